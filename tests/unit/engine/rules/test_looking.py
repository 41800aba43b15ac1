"""Who is looking at a blocked request, by its events; and who may say so, take it over, or give it up."""

from __future__ import annotations

import pytest

from engine import events
from engine.errors import Conflict, Refused
from engine.limits import LOOK_SECONDS
from engine.records import Event, Request
from engine.rules.decide.act import Act
from engine.rules.looking import Looking, look, look_away, looking
from engine.states import RequestStatus

HANNA, OMAR = Act("Hanna", "slack:T1/U1", "slack"), Act("Omar", "slack:T1/U2", "slack")
SAID = Event(1, events.LOOKING, 100.0, by="Hanna", actor="slack:T1/U1", data={"since": 100.0, "until": 1000.0})
MINE = Looking("slack:T1/U1", "Hanna", 100.0, 1000.0)


def request(status: RequestStatus = RequestStatus.BLOCKED, *, alerted: bool = True) -> Request:
    return Request(1, "w", 1, "HR", status, "why", "a@example.com", alerted, 3, 1.0, 2.0)


@pytest.mark.parametrize(
    ("told", "now", "found"),
    [
        ([], 200.0, None),
        ([SAID], 200.0, MINE),
        ([SAID], 999.9, MINE),
        ([SAID], 1000.0, None),  # a quarter of an hour is over
        ([SAID, Event(1, events.REFUSED, 150.0)], 200.0, MINE),
        ([SAID, Event(1, events.LOOKED, 150.0)], 200.0, None),
        ([SAID, Event(1, events.STATUS, 150.0, data={"from": "blocked", "to": "in_progress"})], 200.0, None),
        ([Event(1, events.STATUS, 50.0, data={"from": "in_progress", "to": "blocked"}), SAID], 200.0, MINE),
    ],
)
def test_whoever_said_so_last_is_looking(told: list[Event], now: float, found: Looking | None) -> None:
    assert looking(told, now) == found


def test_it_holds_for_a_quarter_of_an_hour_and_is_told_once() -> None:
    looked = look(request(), None, 100.0, act=HANNA, seen=None)
    assert looking([looked.event], 100.0) == Looking("slack:T1/U1", "Hanna", 100.0, 100.0 + LOOK_SECONDS)
    assert [notice.kind for notice in looked.notices] == ["card", "line"]
    assert looked.over == 100.0 + LOOK_SECONDS
    again = look(request(), MINE, 500.0, act=HANNA, seen=None)
    assert looking([again.event], 500.0) == MINE._replace(until=500.0 + LOOK_SECONDS)
    assert [notice.kind for notice in again.notices] == ["card"], "no second line in the thread"


def test_of_two_who_click_at_once_the_second_is_told_who_was_first() -> None:
    with pytest.raises(Conflict, match=r"REQ-1 is now being looked at\. Hanna began at"):
        look(request(), MINE, 200.0, act=OMAR, seen=None)
    over = look(request(), MINE, 200.0, act=OMAR, seen="slack:T1/U1")  # who saw that it was Hanna takes it over
    assert looking([over.event], 200.0) == Looking("slack:T1/U2", "Omar", 200.0, 200.0 + LOOK_SECONDS)


def test_only_who_is_looking_gives_it_up() -> None:
    with pytest.raises(Refused, match="Hanna is looking at REQ-1"):
        look_away(request(), MINE, 200.0, act=OMAR)
    with pytest.raises(Refused, match="Nobody is looking at REQ-1 any more"):
        look_away(request(), None, 200.0, act=HANNA)
    assert looking([SAID, look_away(request(), MINE, 200.0, act=HANNA).event], 200.0) is None


def test_only_what_is_blocked_is_looked_at_and_without_a_card_nobody_is_told() -> None:
    with pytest.raises(Refused, match="REQ-1 is In progress: nobody has to look at it"):
        look(request(RequestStatus.IN_PROGRESS), None, 200.0, act=HANNA, seen=None)
    looked = look(request(alerted=False), None, 200.0, act=HANNA, seen=None)
    assert (looked.notices, looked.over) == ((), None)
