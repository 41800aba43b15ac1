"""What one person is told of their act, and where."""

from __future__ import annotations

import itertools

from bot.errors import (
    ChannelMissing,
    PersonNotThere,
    RateLimited,
)
from engine import events
from tests.unit.bot import samples
from tests.unit.bot.fakes import Office
from tests.unit.bot.told import ACT, DONE


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


def test_what_one_person_is_told_of_one_flow_comes_together(office: Office) -> None:
    end = samples.event(events.STATUS, None, data={"from": "in_progress", "to": "completed"})
    for kind in ("tell", "direct"):
        for user, event in (("U1", DONE), ("U1", end), ("U2", end)):
            office.outbox.add(42, kind, event, f"slack:T1/{user}")
    office.run()
    both, one = ["recovered", "the flow has ended"], ["the flow has ended"]
    privately = [(user, _told(text)) for _, user, _, text in office.slack.whispers]
    directly = [(m["channel"], _told(m["text"])) for m in office.slack.messages.values()]
    assert privately == directly == [("U1", both), ("U2", one)] and office.outbox.rows == {}


def _told(text: str) -> list[str]:
    return [line.split(": ")[1].split(". ")[0] for line in text.split("\n")]


def test_outcomes_of_other_doors_are_not_told_here(office: Office) -> None:
    office.outbox.add(42, "tell", DONE, "hanna@example.com")
    office.run()
    assert (office.slack.whispers, office.outbox.rows) == ([], {})


def test_who_did_not_act_at_the_card_is_told_where_they_find_it(office: Office) -> None:
    office.outbox.add(42, "card")
    office.outbox.add(42, "direct", DONE, "slack:T1/U1")
    office.run()
    assert [m["channel"] for m in office.slack.messages.values()] == ["C1", "U1"]
    assert office.slack.whispers == []


def test_whoever_left_the_channel_is_told_directly(office: Office) -> None:
    office.slack.trouble = lambda method, channel: (
        PersonNotThere("user_not_in_channel") if method == "whisper" else None
    )
    office.outbox.add(42, "tell", DONE, "slack:T1/U1")
    office.run()
    assert [m["channel"] for m in office.slack.messages.values()] == ["U1"]


def test_a_channel_that_takes_nothing_any_more_holds_up_no_outcome(office: Office) -> None:
    office.outbox.add(42, "card")
    office.run()
    office.slack.trouble = lambda method, channel: ChannelMissing("is_archived") if channel == "C1" else None
    office.outbox.add(42, "line", ACT)
    office.outbox.add(42, "tell", DONE, "slack:T1/U1")
    office.run()
    assert [(m["channel"], m["thread"]) for m in office.slack.messages.values()] == [("C1", None), ("U1", None)]
    assert [row.kind for row in office.outbox.rows.values()] == ["line"]


def test_without_a_channel_for_the_application_the_outcome_comes_as_a_direct_message(office: Office) -> None:
    office.documents[42] = samples.request(samples.step(), app="Lab")
    office.outbox.add(42, "tell", DONE, "slack:T1/U1")
    office.run()
    (told,) = office.slack.messages.values()
    assert (told["channel"], told["marks"][0]) == ("U1", "rt-1")
    assert told["text"].startswith("REQ-42: recovered: ✅ `create_account` completed")
    assert (office.outbox.rows, office.outbox.dropped, office.slack.whispers) == ({}, {}, [])


def test_whoever_cannot_be_written_to_holds_nothing_up(office: Office) -> None:
    office.documents[42] = samples.request(samples.step(), app="Lab")
    office.slack.trouble = lambda method, channel: ChannelMissing("channel_not_found") if channel == "U9" else None
    office.outbox.add(42, "tell", DONE, "slack:T1/U9")
    office.outbox.add(42, "tell", DONE, "slack:T1/U1")
    office.run()
    assert office.outbox.dropped == {1: "Slack user U9 takes no direct message of ours (channel_not_found)."}
    assert [m["channel"] for m in office.slack.messages.values()] == ["U1"]
