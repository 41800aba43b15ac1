"""The relay: nothing lost, nothing posted twice, one bad row stops nobody, lines in order."""

from __future__ import annotations

import itertools
import logging
from typing import Any

import pytest

from bot.errors import (
    BadMessage,
    ChannelMissing,
    MessageGone,
    NotInChannel,
    NotReached,
    Paced,
    PersonNotThere,
    RateLimited,
    ScopeMissing,
    SlackError,
    TokenRefused,
    Unreachable,
)
from bot.relay import backoff
from engine import events
from engine.errors import NotFound
from engine.states import RequestStatus
from tests.unit.bot import samples
from tests.unit.bot.fakes import Office

BLOCKED = samples.event(events.BLOCKED, attempt=2, data={"error": "503", "first": True})
AGAIN = samples.event(events.BLOCKED, attempt=3, data={"error": "503", "before": "503"})
DONE = samples.event(events.COMPLETED, attempt=4, data={"call": "accepted"})
ACT = samples.event(events.RETRIGGERED_FLOW, by="Hanna Lead", reason="mended")


@pytest.fixture
def office() -> Office:
    return Office(one=samples.request(samples.step()), two=samples.request(samples.step(), id="REQ-43", app="IT"))


def once(error: SlackError, method: str = "post", channel: str = "C1") -> Any:
    """Trouble at the first such call only."""
    first = itertools.chain([error], itertools.repeat(None))
    return lambda asked, where: next(first) if (asked, where) == (method, channel) else None


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


def test_a_card_that_shows_the_present_already_costs_no_call(office: Office) -> None:
    for _ in range(5):
        office.outbox.add(42, "card")
    office.run()
    assert (len(office.slack.messages), office.slack.updates) == (1, [])


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


@pytest.mark.parametrize("kind", ["card", "line"])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_post_whose_answer_was_lost_is_looked_up(office: Office, kind: str, restarted: bool) -> None:
    office.outbox.add(42, "card")
    if kind == "line":
        office.run()
        office.outbox.add(42, "line", BLOCKED)
    office.slack.trouble_after = once(Unreachable("timed out"))
    office.run()
    before = dict(office.slack.messages)
    if restarted:
        office.relay = office.new_relay()
    office.outbox.now += 60
    office.run()
    assert office.slack.lookups == 1
    assert office.slack.messages.keys() == before.keys()
    assert office.outbox.rows == {}
    assert office.outbox.cards[42].ts in before


def test_after_a_restart_a_send_that_had_begun_and_never_arrived_is_made(office: Office) -> None:
    office.outbox.begun(office.outbox.add(42, "card"))
    office.run()
    assert (office.slack.lookups, len(office.slack.messages)) == (1, 1)


def test_a_post_that_cannot_be_looked_up_is_repeated_rather_than_lost(office: Office) -> None:
    office.outbox.begun(office.outbox.add(42, "card"))
    office.slack.trouble = lambda method, channel: ScopeMissing("missing_scope") if method == "find" else None
    office.run()
    assert len(office.slack.messages) == 1


def test_an_outcome_whose_answer_was_lost_comes_as_a_direct_message_which_can_be_looked_up(office: Office) -> None:
    office.outbox.begun(office.outbox.add(42, "tell", DONE, "slack:T1/U1"))
    office.slack.trouble_after = once(Unreachable("timed out"), channel="U1")
    for _ in range(3):
        office.run()
        office.outbox.now += 10
    assert office.slack.whispers == []
    assert [(m["channel"], m["text"].split(". ")[0]) for m in office.slack.messages.values()] == [
        ("U1", "REQ-42: recovered: ✅ `create_account` completed (attempt 4, accepted)")
    ]


def test_an_outcome_that_comes_late_stays_for_the_person_to_find(office: Office) -> None:
    office.outbox.add(42, "tell", DONE, "slack:T1/U1")
    office.outbox.now += 3600
    office.run()
    assert (office.slack.whispers, [m["channel"] for m in office.slack.messages.values()]) == ([], ["U1"])


def test_an_outcome_told_in_the_channel_is_told(office: Office) -> None:
    office.outbox.add(42, "card")
    office.run()
    first = itertools.chain([None], itertools.repeat(RateLimited(5)))
    office.slack.trouble = lambda method, channel: next(first) if method == "whisper" else None
    office.outbox.add(42, "tell", DONE, "slack:T1/U1")
    office.run()
    assert (len(office.slack.whispers), office.outbox.rows) == (1, {})


def test_a_look_up_that_is_refused_says_nothing_of_the_post(office: Office) -> None:
    office.slack.trouble_after = once(Unreachable("timed out"))
    office.outbox.add(42, "card")
    office.run()
    limited = RateLimited(5)
    limited.delivered = None  # as the poster says it of a look-up
    office.slack.trouble = once(limited, "find")
    for _ in range(3):
        office.outbox.now += 10
        office.run()
    assert (office.slack.lookups, len(office.slack.messages), office.outbox.rows) == (2, 1, {})


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


@pytest.mark.parametrize("restarted", [False, True])
def test_lines_told_together_are_found_each_by_its_own_mark(office: Office, restarted: bool) -> None:
    office.outbox.add(42, "card")
    office.run()
    for _ in range(30):
        office.outbox.add(42, "line", ACT)
    office.outbox.now += 60
    office.slack.trouble_after = once(Unreachable("timed out"))
    for _ in range(30):
        if restarted:
            office.relay = office.new_relay()
        office.run()
        office.outbox.now += 60
    marks = [mark for m in office.slack.messages.values() if m["thread"] for mark in m["marks"]]
    assert marks == [f"rt-{number}" for number in range(2, 32)]
    assert office.outbox.rows == {}


def test_lines_that_are_long_go_in_several_messages(office: Office) -> None:
    office.outbox.add(42, "card")
    office.run()
    for _ in range(20):
        office.outbox.add(42, "line", ACT._replace(reason="x" * 990))
    office.outbox.now += 60
    office.run()
    replies = [m for m in office.slack.messages.values() if m["thread"]]
    assert [len(m["blocks"]) for m in replies] == [10, 10]


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


def test_our_pace_spends_no_tries(office: Office) -> None:
    office.slack.trouble = lambda method, channel: Paced(1.0)
    office.outbox.add(42, "card")
    for _ in range(50):
        office.run()
        office.outbox.now += 1
    assert office.outbox.rows[1].tries == 0


def test_outcomes_of_other_doors_are_not_told_here(office: Office) -> None:
    office.outbox.add(42, "tell", DONE, "hanna@example.com")
    office.run()
    assert (office.slack.whispers, office.outbox.rows) == ([], {})


def test_whoever_left_the_channel_is_told_directly(office: Office) -> None:
    office.slack.trouble = lambda method, channel: (
        PersonNotThere("user_not_in_channel") if method == "whisper" else None
    )
    office.outbox.add(42, "tell", DONE, "slack:T1/U1")
    office.run()
    assert [m["channel"] for m in office.slack.messages.values()] == ["U1"]


def test_without_a_channel_for_the_application_the_outcome_comes_as_a_direct_message(office: Office) -> None:
    office.documents[42] = samples.request(samples.step(), app="Lab")
    office.outbox.add(42, "tell", DONE, "slack:T1/U1")
    office.run()
    (told,) = office.slack.messages.values()
    assert (told["channel"], told["marks"][0]) == ("U1", "rt-1")
    assert told["text"].startswith("REQ-42: recovered: ✅ `create_account` completed")
    assert (office.outbox.rows, office.outbox.dropped, office.slack.whispers) == ({}, {}, [])


@pytest.mark.parametrize("restarted", [False, True])
def test_a_direct_message_whose_answer_was_lost_is_looked_up(office: Office, restarted: bool) -> None:
    office.documents[42] = samples.request(samples.step(), app="Lab")
    office.slack.trouble_after = once(Unreachable("timed out"), channel="U1")
    office.outbox.add(42, "tell", DONE, "slack:T1/U1")
    office.run()
    if restarted:
        office.relay = office.new_relay()
    office.outbox.now += 60
    office.run()
    assert (office.slack.lookups, len(office.slack.messages), office.outbox.rows) == (1, 1, {})


def test_whoever_cannot_be_written_to_holds_nothing_up(office: Office) -> None:
    office.documents[42] = samples.request(samples.step(), app="Lab")
    office.slack.trouble = lambda method, channel: ChannelMissing("channel_not_found") if channel == "U9" else None
    office.outbox.add(42, "tell", DONE, "slack:T1/U9")
    office.outbox.add(42, "tell", DONE, "slack:T1/U1")
    office.run()
    assert office.outbox.dropped == {1: "Slack user U9 takes no direct message of ours (channel_not_found)."}
    assert [m["channel"] for m in office.slack.messages.values()] == ["U1"]


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


def test_blocks_that_slack_refuses_go_as_plain_text(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.slack.trouble = once(BadMessage("invalid_blocks"))
    office.outbox.add(42, "card")
    office.run()
    (message,) = office.slack.messages.values()
    assert [block["text"]["type"] for block in message["blocks"]] == ["plain_text"]
    assert message["marks"][0] == "rt-1"


def test_a_card_found_stale_is_refreshed(office: Office) -> None:
    office.outbox.add(42, "card")
    office.run()
    office.relay.refresh(42)
    office.relay.refresh(43)  # has no card
    office.run()
    assert office.slack.updates == [office.outbox.cards[42].ts]


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


def test_backoff_grows_to_a_minute() -> None:
    assert [backoff(tries) for tries in (0, 1, 2, 6, 10**9)] == [1, 2, 4, 60, 60]
