"""The relay: cards, threads, lines that piled up, in order and without a call too many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from bot.errors import (
    ChannelMissing,
    MessageGone,
)
from engine import events
from engine.causes.port import Causes
from engine.states import RequestStatus
from tests.unit.bot import samples
from tests.unit.bot.fakes import Office
from tests.unit.bot.told import ACT, AGAIN, BLOCKED, DONE, once

STOPPED = "remaining steps not started"


def test_a_card_a_thread_and_an_outcome(office: Office) -> None:
    office.outbox.add(42, "card")
    office.outbox.add(42, "line", BLOCKED)
    office.run()
    card = office.outbox.cards[42]
    assert (card.channel, card.team) == ("C1", "T1")
    assert office.slack.texts() == ["REQ-42 (HR) is Blocked at create_account: identity answered 503"]
    assert len(office.slack.texts(card.ts)) == 1
    office.documents[42] = samples.request(status=RequestStatus.COMPLETED)
    for kind, event in (("card", None), ("line", ACT), ("line", DONE)):
        office.outbox.add(42, kind, event)
    office.outbox.add(42, "tell", DONE, "slack:T1/U1")
    office.run()
    assert office.outbox.rows == {}
    assert office.slack.texts() == ["REQ-42 (HR) is Completed"]
    lines = office.slack.texts(card.ts)
    assert [line.split(" · ")[0] for line in lines] == [
        "🔴 `create_account` is blocked (attempt 2): 503",
        "*Hanna Lead* re-triggered step and flow at `create_account`",
        "✅ `create_account` completed (attempt 4, accepted)",
    ]
    assert lines[1].endswith("reason: mended")
    where = [(channel, user, thread) for channel, user, thread, _ in office.slack.whispers]
    assert where == [("C1", "U1", None), ("C1", "U1", card.ts)]


def test_only_a_new_block_is_shown_in_the_channel_too(office: Office) -> None:
    office.outbox.add(42, "card")
    for event in (BLOCKED, ACT, AGAIN, DONE):
        office.outbox.add(42, "line", event)
    office.run()
    shown = [m["text"].split(" · ")[:2] for m in office.slack.messages.values() if m["broadcast"]]
    assert shown == [["*REQ-42*", "🔴 `create_account` is blocked again (attempt 3): same error"]]


def test_a_request_that_no_step_blocks_is_a_new_block_too(office: Office) -> None:
    office.outbox.add(42, "card")
    for first in (True, False):
        stuck = {"from": "in_progress", "to": "blocked", "stuck": True, "first": first}
        event = samples.event(events.STATUS, None, reason=STOPPED, data=stuck)
        office.outbox.add(42, "line", event._replace(at=event.at if first else event.at + 60))
    office.run()
    shown = [(m["text"].partition(" · 10")[0], m["broadcast"]) for m in office.slack.messages.values() if m["thread"]]
    line = f"🔴 REQ-42 is *Blocked*: {STOPPED}"
    assert [(text.split(" · <")[0], wide) for text, wide in shown] == [(line, False), (f"*REQ-42* · {line}", True)]


@pytest.mark.parametrize(("stuck", "cards"), [(False, 0), (True, 1)])
def test_a_request_of_a_cause_has_a_card_of_its_own_once_no_step_blocks_it(
    office: Office, stuck: bool, cards: int
) -> None:
    data = {"from": "in_progress", "to": "blocked", "first": False, **({"stuck": True} if stuck else {})}
    relay = office.new_relay(cast(Causes, Joined()))
    office.outbox.add(42, "card")
    office.outbox.add(42, "line", samples.event(events.STATUS, None, reason=STOPPED, data=data))
    while relay.run_once():
        pass
    assert len(office.outbox.cards) == cards


def test_a_request_of_a_cause_has_a_card_of_its_own_once_something_else_blocks_it(office: Office) -> None:
    relay = office.new_relay(cast(Causes, Joined()))
    office.outbox.add(42, "card")
    office.outbox.add(42, "line", BLOCKED)
    while relay.run_once():
        pass
    assert len(office.slack.texts(office.outbox.cards[42].ts)) == 1


class Joined:
    """The causes of requests that a cause's card tells."""

    def joined(self, request_id: int) -> frozenset[str]:
        return frozenset({"key"})

    def common(self, request_id: int, nodes: Sequence[str]) -> None:
        """What blocks it now is none of them."""

    def touch(self, request_id: int) -> None: ...


def test_a_card_that_shows_the_present_already_costs_no_call(office: Office) -> None:
    for _ in range(5):
        office.outbox.add(42, "card")
    office.run()
    assert (len(office.slack.messages), office.slack.updates) == (1, [])


def test_lines_that_piled_up_are_told_in_one_message_in_order(office: Office) -> None:
    office.outbox.add(42, "card")
    office.run()
    for event in (ACT, AGAIN, ACT, DONE):
        office.outbox.add(42, "card")
        office.outbox.add(42, "line", event)
    office.outbox.now += 3600
    office.documents[42] = samples.request(status=RequestStatus.COMPLETED)
    office.run()
    card = office.outbox.cards[42]
    (message,) = [m for m in office.slack.messages.values() if m["thread"] == card.ts]
    assert [line.split(" ")[0] for line in message["text"].splitlines()] == ["*Hanna", "🔴", "*Hanna", "✅"]
    assert len(message["blocks"]) == len(set(message["marks"])) == 4
    assert not message["broadcast"]  # it is blocked no more
    assert (office.slack.updates, office.outbox.rows) == ([card.ts], {})


def test_while_it_is_blocked_what_piled_up_is_shown_in_the_channel(office: Office) -> None:
    office.outbox.add(42, "card")
    office.run()
    for event in (ACT, AGAIN):
        office.outbox.add(42, "line", event)
    office.outbox.now += 3600
    office.run()
    (message,) = [m for m in office.slack.messages.values() if m["thread"]]
    assert message["broadcast"]
    assert message["text"].startswith("*REQ-42* · *Hanna Lead*")


def test_lines_that_are_long_go_in_several_messages(office: Office) -> None:
    office.outbox.add(42, "card")
    office.run()
    for _ in range(20):
        office.outbox.add(42, "line", ACT._replace(reason="x" * 990))
    office.outbox.now += 60
    office.run()
    replies = [m for m in office.slack.messages.values() if m["thread"]]
    assert [len(m["blocks"]) for m in replies] == [10, 10]


def test_a_card_whose_channel_is_gone_is_posted_where_the_settings_say_now(office: Office) -> None:
    office.outbox.add(42, "card")
    office.run()
    office.channels["HR"] = "C9"
    office.slack.trouble = lambda method, channel: ChannelMissing("is_archived") if channel == "C1" else None
    office.documents[42] = samples.request(status=RequestStatus.COMPLETED)
    office.outbox.add(42, "card")
    office.outbox.add(42, "line", DONE)
    office.run()
    assert [m["channel"] for m in office.slack.messages.values()] == ["C1", "C9", "C9"]


def test_a_deleted_card_is_posted_anew(office: Office) -> None:
    office.outbox.add(42, "card")
    office.run()
    office.slack.trouble = once(MessageGone("message_not_found"), "update")
    office.documents[42] = samples.request(status=RequestStatus.COMPLETED)
    office.outbox.add(42, "card")
    office.run()
    assert len(office.slack.messages) == 2
    assert office.outbox.cards[42].ts == max(office.slack.messages)


def test_a_line_whose_thread_is_gone_brings_a_new_card(office: Office) -> None:
    office.outbox.add(42, "card")
    office.run()
    office.slack.trouble = once(MessageGone("thread_not_found"))
    office.outbox.add(42, "line", BLOCKED)
    office.run()
    assert [m["thread"] for m in office.slack.messages.values()] == [None, None, office.outbox.cards[42].ts]


def test_a_card_found_stale_is_refreshed(office: Office) -> None:
    office.outbox.add(42, "card")
    office.run()
    office.relay.refresh(42)
    office.relay.refresh(43)  # has no card
    office.run()
    assert office.slack.updates == [office.outbox.cards[42].ts]


def test_what_was_typed_is_told_as_the_document_masks_it(office: Office) -> None:
    typed = samples.event(events.RETRIGGERED_FLOW, attempt=3, by="Hanna Lead", reason="id is 123-45-6789")
    shown = samples.shown_event(events.RETRIGGERED_FLOW, attempt=3, by="Hanna Lead", reason="id is •••")
    office.documents[42] = samples.request(samples.step(), events=(shown,))
    office.outbox.add(42, "card")
    office.outbox.add(42, "line", typed)
    office.run()
    assert office.slack.texts(office.outbox.cards[42].ts)[0].endswith("reason: id is •••")
    assert "123-45-6789" not in str(office.slack.messages)


def test_what_the_document_does_not_have_is_told_without_its_texts(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    typed = samples.event(
        events.BLOCKED, attempt=3, by="Hanna Lead", reason="id is 123-45-6789", data={"error": "123", "call": "unknown"}
    )
    office.documents[42] = samples.request(samples.step(), events=(samples.shown_event(events.SUBMITTED),))
    office.outbox.add(42, "card")
    office.outbox.add(42, "line", typed)
    office.outbox.add(42, "tell", typed, "slack:T1/U1")
    office.run()
    told = [*office.slack.texts(office.outbox.cards[42].ts), *(text for *_, text in office.slack.whispers)]
    assert len(told) == 3
    assert all("`create_account` is blocked (attempt 3, unknown): its text is left out" in text for text in told)
    assert "123" not in "".join(told)


def test_what_counts_no_more_is_told_so_without_its_texts_too(office: Office) -> None:
    left = samples.event(events.BLOCKED, attempt=3, data={"error": "123", "stale": True})
    office.documents[42] = samples.request(samples.step(), events=(samples.shown_event(events.SUBMITTED),))
    office.outbox.add(42, "card")
    office.outbox.add(42, "line", left)
    office.run()
    (told,) = office.slack.texts(office.outbox.cards[42].ts)
    assert "`create_account` failed (attempt 3), and blocks nothing, as it is stale: its text is left out" in told
