"""Slack away, limiting, refusing: rows wait, in order, and what can never be told is given up."""

from __future__ import annotations

import logging

import pytest

from bot.errors import (
    BadMessage,
    ChannelMissing,
    NotInChannel,
    NotReached,
    Paced,
    RateLimited,
    SlackError,
    TokenRefused,
    Unreachable,
)
from bot.relay import backoff
from engine.errors import NotFound, UnreadableVersion
from tests.unit.bot import samples
from tests.unit.bot.fakes import Office
from tests.unit.bot.told import BLOCKED, once


def test_rate_limited_waits_as_long_as_slack_says(office: Office) -> None:
    office.slack.trouble = once(RateLimited(7))
    office.outbox.add(42, "card")
    office.outbox.add(43, "card")
    office.run()
    assert [m["channel"] for m in office.slack.messages.values()] == ["C2"]
    assert office.outbox.due_at[1] == office.outbox.now + 7
    office.outbox.now += 7
    office.run()
    assert office.slack.lookups == 0  # it is known that nothing was posted
    assert [m["channel"] for m in office.slack.messages.values()] == ["C2", "C1"]


@pytest.mark.parametrize("error", [NotReached("ConnectionRefusedError"), Unreachable("HTTP 503")])
def test_while_slack_is_away_rows_wait_in_order(office: Office, error: SlackError) -> None:
    office.slack.trouble = lambda method, channel: error
    office.outbox.add(42, "card")
    office.outbox.add(42, "line", BLOCKED)
    for _ in range(200):
        office.run()
        office.outbox.now += 10
    assert len(office.outbox.rows) == 2
    assert 30 < office.outbox.rows[1].tries < 60
    office.slack.trouble = lambda method, channel: None
    office.outbox.now += 60
    office.run()
    assert [m["thread"] for m in office.slack.messages.values()] == [None, office.outbox.cards[42].ts]


def test_while_slack_is_away_one_row_at_a_time_tries_it_out(office: Office) -> None:
    calls: list[str] = []

    def away(method: str, channel: str) -> SlackError:
        calls.append(method)
        return NotReached("ConnectionRefusedError")

    office.slack.trouble = away
    for number in range(100, 200):
        office.documents[number] = samples.request(samples.step(), id=f"REQ-{number}")
        office.outbox.add(number, "card")
    for _ in range(3600):
        office.run()
        office.outbox.now += 1
    assert 100 < len(calls) < 150
    office.slack.trouble = lambda method, channel: None
    office.outbox.now += 60
    office.run()
    posted = [m["text"].split(" ")[0] for m in office.slack.messages.values()]
    assert len(posted) == len(set(posted)) == 100


def test_a_refused_token_is_tried_once_a_minute(office: Office) -> None:
    calls: list[str] = []

    def revoked(method: str, channel: str) -> SlackError:
        calls.append(method)
        return TokenRefused("token_revoked")

    office.slack.trouble = revoked
    office.outbox.add(42, "card")
    office.outbox.add(43, "card")
    for _ in range(600):
        office.run()
        office.outbox.now += 1
    assert len(calls) == 10


def test_an_error_that_nobody_knows_is_given_up_after_a_day(office: Office) -> None:
    office.slack.trouble = lambda method, channel: SlackError("brand_new")
    office.outbox.add(42, "card")
    for _ in range(24 * 60 - 1):
        office.run()
        office.outbox.now += 60
    assert office.outbox.dropped == {}
    for _ in range(3):
        office.run()
        office.outbox.now += 60
    assert office.outbox.dropped == {1: "Slack answered brand_new."}


@pytest.mark.parametrize("error", [ChannelMissing("is_archived"), NotInChannel("not_in_channel")])
def test_what_a_person_can_mend_waits_without_end(office: Office, error: SlackError) -> None:
    office.slack.trouble = lambda method, channel: error
    office.outbox.add(42, "card")
    for _ in range(10):
        office.run()
        office.outbox.now += 86400
    office.slack.trouble = lambda method, channel: None
    office.run()
    assert (len(office.slack.messages), office.outbox.dropped) == (1, {})


def test_our_pace_spends_no_tries(office: Office) -> None:
    office.slack.trouble = lambda method, channel: Paced(1.0)
    office.outbox.add(42, "card")
    for _ in range(50):
        office.run()
        office.outbox.now += 1
    assert office.outbox.rows[1].tries == 0


@pytest.mark.parametrize("error", [ChannelMissing("channel_not_found"), NotInChannel("not_in_channel")])
def test_what_a_person_can_mend_is_kept_and_said_once(
    office: Office, error: SlackError, caplog: pytest.LogCaptureFixture
) -> None:
    office.slack.trouble = lambda method, channel: error if channel == "C1" else None
    office.outbox.add(42, "card")
    office.outbox.add(43, "card")
    for _ in range(5):
        office.run()
        office.outbox.now += 60
    assert list(office.outbox.rows) == [1]
    assert office.outbox.errors[1] == str(error)
    assert [m["channel"] for m in office.slack.messages.values()] == ["C2"]
    office.slack.trouble = lambda method, channel: None
    office.run()
    assert len(office.slack.messages) == 2


def test_what_can_never_be_told_is_given_up_with_its_error(office: Office) -> None:
    office.documents[42] = NotFound("request", "REQ-42")
    office.documents[43] = samples.request(id="REQ-43", app="Unknown")
    for number in (42, 43):
        office.outbox.add(number, "card")
    office.run()
    assert office.outbox.dropped == {
        1: "There is no request REQ-42.",
        2: "The settings name no Slack channel for the application Unknown.",
    }


def test_a_row_that_breaks_us_stops_nobody_and_is_given_up_at_last(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.documents[42] = ZeroDivisionError("a defect")
    office.outbox.add(42, "card")
    office.outbox.add(43, "card")
    office.run()
    assert [m["channel"] for m in office.slack.messages.values()] == ["C2"]
    assert list(office.outbox.rows) == [1]
    for _ in range(20):
        office.outbox.now += 60
        office.run()
    assert "a defect of Retrigger's own (ZeroDivisionError)" in office.outbox.dropped[1]
    assert any(record.exc_info for record in caplog.records)


def test_what_only_a_newer_retrigger_can_read_waits_for_one(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    shown, office.documents[42] = office.documents[42], UnreadableVersion("onboarding", 2)
    office.outbox.add(42, "card")
    office.outbox.add(43, "card")
    for _ in range(20):
        office.run()
        office.outbox.now += 60
    assert [m["channel"] for m in office.slack.messages.values()] == ["C2"]
    assert (office.outbox.dropped, office.outbox.errors[1]) == ({}, str(UnreadableVersion("onboarding", 2)))
    assert not any(record.exc_info for record in caplog.records), "it is no defect of ours"
    office.documents[42] = shown
    office.run()
    assert len(office.slack.messages) == 2


def test_blocks_that_slack_refuses_go_as_plain_text(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.slack.trouble = once(BadMessage("invalid_blocks"))
    office.outbox.add(42, "card")
    office.run()
    (message,) = office.slack.messages.values()
    assert [block["text"]["type"] for block in message["blocks"]] == ["plain_text"]
    assert message["marks"][0] == "rt-1"


def test_trouble_is_said_once_and_its_end_too(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "bot.relay")
    office.slack.trouble = lambda method, channel: NotReached("ConnectionRefusedError", "Slack cannot be reached.")
    office.outbox.add(42, "card")
    for _ in range(5):
        office.run()
        office.outbox.now += 60
    office.slack.trouble = lambda method, channel: None
    office.run()
    assert [record.getMessage().partition(" kind=card outbox=1 request=REQ-42")[0] for record in caplog.records] == [
        "relay.waits: Slack cannot be reached. What is to be told waits; nothing is lost.",
        "relay.goes_on: Slack takes messages again.",
    ]


def test_our_own_pace_is_not_trouble(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.slack.trouble = once(Paced(1.3))
    office.outbox.add(42, "card")
    office.run()
    assert caplog.records == []
    assert office.outbox.due_at[1] == office.outbox.now + 1.3


def test_backoff_grows_to_a_minute() -> None:
    assert [backoff(tries) for tries in (0, 1, 2, 6, 10**9)] == [1, 2, 4, 60, 60]
