"""Whom an approval asks is asked, whatever becomes of the channel."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import ChannelMissing, NotInChannel, SlackError
from engine.commands.documents import StepDocument
from engine.states import StepStatus
from tests.unit.bot import samples
from tests.unit.bot.fakes import Office
from tests.unit.bot.told import ACT


def waiting(*approvers: str) -> StepDocument:
    facts: dict[str, Any] = {"kind": "approval", "status": StepStatus.WAITING, "approvers": approvers, "need": "all"}
    return samples.step("ask", **facts, attempts=(samples.attempt(outcome=None, ended_at=None),), actions=())


@pytest.mark.parametrize("error", [ChannelMissing("is_archived"), NotInChannel("not_in_channel")])
@pytest.mark.parametrize("approvers", [("@hr-admins", "U5"), ("U5", "@hr-admins")])
def test_who_can_be_reached_is_asked_though_the_channel_takes_nothing(
    office: Office, approvers: tuple[str, ...], error: SlackError
) -> None:
    office.documents[42] = samples.request(waiting(*approvers))
    office.slack.trouble = lambda method, channel: error if channel == "C1" else None
    office.outbox.add(42, "card")
    office.outbox.add(42, "line", ACT)
    office.outbox.add(42, "asks")
    office.run()
    assert [m["channel"] for m in office.slack.messages.values()] == ["D-U5"]
    office.slack.trouble = lambda method, channel: None
    office.outbox.now += 120
    office.run()
    assert sorted(m["channel"] for m in office.slack.messages.values()) == ["C1", "C1", "C1", "D-U5"]
    assert office.outbox.rows == {}
