"""One outage in the channels of two applications: one card in each, and nothing twice, whatever Slack does."""

from __future__ import annotations

import time
from typing import cast

import pytest

from bot.announcer import Announcer
from bot.errors import NotInChannel, SlackError, Unreachable
from bot.poster import Poster
from bot.relay import Relay
from bot.text import Dates
from engine.limits import CAUSE_REQUESTS
from storage.outbox import SqlOutbox
from tests.integration.engine.causes.conftest import Outage
from tests.support.poll import wait_until
from tests.unit.bot.fakes import MemorySlack

CHANNELS = {"HR": "C1", "Finance": "C2"}


class Told:
    """A relay on a real database, and a Slack in memory, where the time between tries does not pass."""

    def __init__(self, outage: Outage) -> None:
        self.slack, self.outage = MemorySlack(time.time), outage
        self.outbox, engine = SqlOutbox(outage.room.store), outage.room.engine
        poster = cast(Poster, self.slack)
        announcer = Announcer(
            self.outbox, engine.card, engine.asks, poster, CHANNELS, Dates(plain=True), causes=outage.causes
        )
        self.relay = Relay(self.outbox, announcer)

    def all(self) -> None:
        def empty() -> bool:
            self.relay.run_once()
            return self.outbox.waiting()[0] == 0

        wait_until(empty, "an empty outbox")

    def cards(self, text: str = "blocked by one error") -> list[str]:
        """The channels that have one."""
        posted = self.slack.messages.values()
        return sorted(it["channel"] for it in posted if text in it["text"] and it["thread"] is None)


def test_each_channel_has_one_card_and_the_whole_story(outage: Outage):
    told = Told(outage)
    requests = outage.block(6) + outage.block(6, "Finance")
    told.all()
    assert told.cards() == ["C1", "C2"]
    assert len(told.slack.messages) == 2  # all were blocked before the relay came to them
    (cause_id,) = {outage.causes.join(number, common(outage, number), "It.") for number in requests}
    outage.mend()
    run = outage.ended(outage.begin(cause_id))
    told.all()
    lines = [it for it in told.slack.messages.values() if it["thread"] is not None]
    assert sorted(it["channel"] for it in lines) == ["C1", "C1", "C1", "C2", "C2", "C2"]
    assert len(told.cards(f"Bulk re-trigger {run.id} is over")) == 1  # the person, directly
    assert len(told.slack.messages) == 9


@pytest.mark.parametrize("app", sorted(CHANNELS))
def test_the_error_of_one_application_s_request_is_no_matter_of_the_other_s_channel(outage: Outage, app: str):
    told = Told(outage)
    other = next(name for name in CHANNELS if name != app)
    first, *_ = outage.block(1, app) + outage.block(CAUSE_REQUESTS, other)
    outage.causes.join(first, common(outage, first), "identity answered 503: 'Ada Lovelace' of ada@example.com waits")
    told.all()
    shown = {it["channel"]: f"{it['text']} {it['blocks']}" for it in told.slack.messages.values()}
    assert shown.keys() == set(CHANNELS.values())
    assert "Ada Lovelace" in shown[CHANNELS[app]] and "ada@example.com" in shown[CHANNELS[app]]
    assert "answered 503: … of … waits" in shown[CHANNELS[other]]
    assert "Ada" not in shown[CHANNELS[other]] and "ada@" not in shown[CHANNELS[other]]


def common(outage: Outage, number: int):
    found = outage.causes.common(number, ["account"])
    assert found is not None
    return found


@pytest.mark.parametrize("trouble", [NotInChannel("not_in_channel"), Unreachable("timeout")])
def test_what_one_channel_does_not_take_is_not_told_twice_in_the_other(outage: Outage, trouble: SlackError):
    told = Told(outage)
    trouble.wait = 0.05
    left = [trouble, trouble]

    def once(method: str, channel: str) -> SlackError | None:
        return left.pop() if (method, channel) == ("post", "C2") and left else None

    told.slack.trouble = once
    outage.block(6)
    outage.block(6, "Finance")
    told.all()
    assert told.cards() == ["C1", "C2"]
    assert left == []
