"""Posts whose answer was lost: looked up before they are repeated, so that nothing stands twice."""

from __future__ import annotations

import pytest

from bot.errors import RateLimited, ScopeMissing, Unreachable
from bot.sending import SKEW
from engine.errors import StorageError
from engine.ports.outbox import Posted
from engine.states import RequestStatus
from tests.unit.bot import samples
from tests.unit.bot.fakes import Office
from tests.unit.bot.told import ACT, BLOCKED, DONE, once


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


@pytest.mark.parametrize("ahead", [SKEW - 1, 1 - SKEW])
def test_a_post_is_found_though_the_clocks_of_slack_and_the_database_differ(office: Office, ahead: float) -> None:
    office.ahead = ahead
    office.outbox.add(42, "card")
    office.slack.trouble_after = once(Unreachable("timed out"))
    office.run()
    office.outbox.now += 60
    office.run()
    assert (office.slack.lookups, len(office.slack.messages), office.outbox.rows) == (1, 1, {})


def test_a_post_is_not_begun_when_its_lease_may_end_before_its_answer(office: Office) -> None:
    """Another relay would take the row, find nothing in Slack yet, and post it, too."""
    card = office.outbox.add(42, "card")
    office.outbox.begun(card)

    def slow(method: str, channel: str) -> None:
        office.outbox.now += 14 if method == "find" else 0  # of the 20 s of the lease; a call may take 5

    office.slack.trouble = slow
    office.relay.run_once()
    assert (office.slack.lookups, office.slack.messages) == (1, {})
    office.slack.trouble = lambda method, channel: None
    office.run()
    assert (len(office.slack.messages), office.outbox.rows) == (1, {})


def test_a_post_is_looked_up_from_its_first_send_on_however_long_slack_is_away_then(office: Office) -> None:
    office.outbox.add(42, "card")
    office.slack.trouble_after = once(Unreachable("timed out"))
    office.run()
    office.slack.trouble = lambda method, channel: Unreachable("HTTP 503") if method == "find" else None
    for _ in range(60):
        office.outbox.now += 60
        office.run()
    office.slack.trouble = lambda method, channel: None
    office.outbox.now += 60
    office.run()
    assert (len(office.slack.messages), office.outbox.rows) == (1, {})


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


def test_a_card_that_is_found_shows_what_is_so_now_and_not_what_was_when_it_was_sent(office: Office) -> None:
    """Its later rows are told with it, and would find that it shows the present state."""
    office.outbox.add(42, "card")
    office.slack.trouble_after = once(Unreachable("timed out"))
    office.run()
    (ts,) = office.slack.messages
    assert "Blocked" in office.slack.messages[ts]["text"]
    office.documents[42] = samples.request(samples.step(), status=RequestStatus.COMPLETED)
    office.outbox.add(42, "card")
    office.outbox.now += 60
    office.run()
    assert "Completed" in office.slack.messages[ts]["text"]
    assert office.outbox.rows == {}


def test_a_database_that_is_away_is_no_defect_of_the_row(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be given up after some tries. It stays taken for a while, then it is looked up."""
    number = office.outbox.add(42, "card")
    with monkeypatch.context() as away:
        away.setattr(office.outbox, "remember", refuse)
        with pytest.raises(StorageError):
            office.relay.run_once()
    assert office.outbox.rows[number].tries == 0 and office.outbox.errors == {}
    office.run()
    assert (office.outbox.rows, len(office.slack.messages)) == ({}, 1)


def refuse(posted: Posted) -> None:
    raise StorageError("The database cannot be reached.")
