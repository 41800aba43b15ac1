"""Delays through the whole engine, on both databases, and what holds for everything that waits: it holds no worker
(SPEC 1, 2, 9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import median

import pytest
from sqlalchemy import update

from engine import events
from engine.commands.documents import RequestDocument, StepDocument
from engine.errors import Refused
from engine.functions import function
from storage.tables import WAKING, requests, steps
from tests.integration.engine.conftest import OpenRoom, StartEngine
from tests.support.engine import HANNA, Room
from tests.support.poll import wait_until

DELAY = """
workflow: %s
app: HR
title: Delay
nodes:
  rest: {delay: %s}
  after: {function: {name: delays.nothing, isolation: thread}}
"""
NOTHING = """
workflow: nothing
app: HR
title: Nothing
nodes:
  only: {function: {name: delays.nothing, isolation: thread}}
"""
SWEEP = 600.0  # seconds, where no sweep is to come
ALONE = """
workflow: alone
app: HR
title: Alone
nodes:
  rest: {delay: {until: "{{ request.input.when }}"}}
"""


@function("delays.nothing")
def nothing() -> None:
    pass


@pytest.fixture
def database_url(engine_url: str) -> str:
    """Whatever runs the steps."""
    return engine_url


@pytest.fixture
def room(shared_room: Room) -> Room:
    return shared_room


def rests(document: RequestDocument) -> bool:
    step = document.step("rest")
    return step is not None and step.status.value == "waiting"


def _late(step: StepDocument, until: datetime) -> float:
    """Seconds from the time at which the wait was to end to its end."""
    ended = step.attempts[-1].ended_at
    assert ended is not None
    return (ended - until).total_seconds()


def _time(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def _story(step: StepDocument) -> list[tuple[str, str | None]]:
    return [(attempt.kind.value, attempt.outcome and attempt.outcome.value) for attempt in step.attempts]


def test_a_duration_is_waited_for_from_when_the_flow_comes_to_it(room: Room) -> None:
    room.publish(DELAY % ("resting", "{for: 0.4s}"))
    number = room.submit("resting")
    document = room.wait(number, "completed")
    rest = room.step(number, "rest")
    assert _late(rest, rest.attempts[0].started_at) >= 0.4 and _story(rest) == [("initial", "succeeded")]
    (waits,) = [event for event in document.events if event.kind == events.WAITS]
    assert waits.data and waits.data["until"] == pytest.approx(waits.at.timestamp() + 0.4, abs=0.01)
    assert room.step(number, "after").attempts[0].started_at >= rest.attempts[0].started_at + timedelta(seconds=0.4)


def test_a_time_is_waited_for(room: Room) -> None:
    room.publish(DELAY % ("until", '{until: "{{ request.input.when }}"}'))
    until = _time(0.4)
    number = room.submit("until", {"when": until})
    room.wait(number, "completed")
    assert _late(room.step(number, "rest"), datetime.fromisoformat(until)) >= 0


def test_a_time_that_is_past_is_over_at_once(room: Room) -> None:
    room.publish(DELAY % ("past", '{until: "2020-01-31T09:00:00+01:00"}'))
    number = room.submit("past")
    document = room.wait(number, "completed")
    told = {event.kind: event.at for event in document.events if event.node == "rest"}
    assert told[events.WAITS] == told[events.COMPLETED], "by one commit, which no sweep has to find"


def test_a_duration_may_come_from_the_request(room: Room) -> None:
    room.publish(DELAY % ("given", '{for: "{{ request.input.pause }}"}'))
    for pause in ("0.2s", 0.2, 0):
        number = room.submit("given", {"pause": pause})
        room.wait(number, "completed")
    number = room.submit("given", {"pause": "a while"})
    room.wait(number, "blocked")
    assert "a duration such as 10s" in (room.step(number, "rest").error or "")


@pytest.mark.parametrize("when", ["tomorrow", "2030-01-31T09:00:00", 7, None])
def test_what_is_no_time_blocks_the_step_with_a_sentence(room: Room, when: object) -> None:
    room.publish(DELAY % ("until", '{until: "{{ request.input.when }}"}'))
    number = room.submit("until", {"when": when})
    room.wait(number, "blocked")
    assert "write a time such as 2030-01-31T09:00:00+01:00" in (room.step(number, "rest").error or "")


def test_a_waiting_delay_is_not_re_triggered_and_the_sentence_says_what_happens_instead(room: Room) -> None:
    room.publish(DELAY % ("long", "{for: 1h}"))
    number = room.submit("long")
    room.wait(number, rests)
    assert room.step(number, "rest").actions == ()
    for flow in (True, False):
        with pytest.raises(Refused, match=r"rest is waiting\. It goes on by itself when its time comes"):
            room.engine.retrigger(HANNA, number, "rest", flow=flow)
    assert _story(room.step(number, "rest")) == [("initial", None)]
    room.engine.withdraw(HANNA, number, reason="no longer needed")
    step = room.step(number, "rest")
    assert (step.status, step.wakes_at, _story(step)) == ("cancelled", None, [("initial", "cancelled")])


@pytest.mark.parametrize("most", [SWEEP, pytest.param(0.3, marks=pytest.mark.slow)])
def test_timers_fire_on_time(
    database_url: str, open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch, most: float
) -> None:
    """By a timer alone: the sweep, which would find them too, does not come. How late is for the long form to ask,
    beside which no other tests run; the median, as other programs may hold this one up."""
    monkeypatch.setattr("engine.worker.worker._SWEEP", SWEEP)
    room = open_room(database_url)
    room.publish(DELAY % ("until", '{until: "{{ request.input.when }}"}'))
    room.start()
    times = [_time(0.6 + 0.13 * place) for place in range(9)]
    numbers = [room.submit("until", {"when": time}) for time in times]
    for number in numbers:
        room.wait(number, "completed")
    late = [
        _late(room.step(number, "rest"), datetime.fromisoformat(time))
        for number, time in zip(numbers, times, strict=True)
    ]
    assert all(seconds >= 0 for seconds in late) and median(late) < most, late


def test_what_waits_holds_no_worker(database_url: str, open_room: OpenRoom) -> None:
    """Many more waits than the worker has places; another step runs beside them, and a clean stop waits for none."""
    room = open_room(database_url)
    for text in (DELAY % ("long", "{for: 1h}"), NOTHING):
        room.publish(text)
    worker = room.start(slots=4)
    numbers = [room.submit("long") for _ in range(200)]
    wait_until(lambda: all(rests(room.document(number)) for number in numbers), "all to wait")
    room.wait(room.submit("nothing"), "completed")
    assert room.store.measures().running == 0
    assert worker.stop(grace=0.0)
    assert all(rests(room.document(number)) for number in numbers[:20])


@pytest.mark.parametrize("kill", [True, False])
def test_an_engine_that_ends_while_it_waits_loses_nothing_and_counts_nothing(
    database_url: str, open_room: OpenRoom, start_engine: StartEngine, kill: bool
) -> None:
    room = open_room(database_url)
    room.publish(ALONE)
    first = start_engine(database_url, {})
    numbers = [room.submit("alone", {"when": _time(3600)}) for _ in range(2)]
    for number in numbers:
        room.wait(number, rests)
    if kill:
        first.kill()
    else:
        assert first.stop() == 0
    room.end_waits(numbers[0])  # while no engine is there
    second = start_engine(database_url, {})
    assert second.recovered == 0
    room.wait(numbers[0], "completed")
    assert rests(room.document(numbers[1]))
    for number in numbers:
        step = room.step(number, "rest")
        assert (step.recoveries, len(step.attempts)) == (0, 1)


def test_waits_that_cannot_be_ended_hold_up_no_other_and_are_told_once(
    sqlite_url: str, open_room: OpenRoom, caplog: pytest.LogCaptureFixture
) -> None:
    """The version of their workflow is not there, say; and there are more of them than are looked at at once."""
    room = open_room(sqlite_url)
    room.publish(ALONE)
    numbers = [room.submit("alone", {"when": _time(3600)}) for _ in range(600)]
    room.start()
    wait_until(lambda: all(rests(room.document(number)) for number in numbers), "all to wait")
    room.meddled.update(numbers)
    with room.database.writing() as connection:
        connection.execute(update(requests).values(workflow_version=99))
        connection.execute(update(steps).where(WAKING).values(wakes_at=steps.c.request_id + 0.5))
    room.wait(room.submit("alone", {"when": _time(1.0)}), "completed")
    told = [record.getMessage() for record in caplog.records if "request.unrecovered" in record.getMessage()]
    assert len(told) == len(set(told)) == len(numbers)


@pytest.mark.postgres
def test_of_two_workers_one_ends_each_wait(postgres_url: str, open_room: OpenRoom) -> None:
    rooms = [open_room(postgres_url) for _ in range(2)]
    rooms[0].publish(DELAY % ("until", '{until: "{{ request.input.when }}"}'))
    for room in rooms:
        room.start()
    when = _time(0.8)
    numbers = [rooms[place % 2].submit("until", {"when": when}) for place in range(30)]
    for number in numbers:
        document = rooms[0].wait(number, "completed")
        ended = [event for event in document.events if event.kind == events.COMPLETED and event.node == "rest"]
        assert len(ended) == 1 and len(rooms[0].step(number, "after").attempts) == 1


@pytest.mark.postgres
def test_a_worker_ends_the_waits_that_another_left_behind(
    postgres_url: str, open_room: OpenRoom, start_engine: StartEngine
) -> None:
    """It has begun none of them itself, and none was there when it started."""
    room = open_room(postgres_url)
    room.publish(ALONE)
    room.start(slots=0)  # takes no step
    other = start_engine(postgres_url, {})
    number = room.submit("alone", {"when": _time(3600)})
    room.wait(number, rests)
    other.kill()
    room.end_waits(number)
    room.wait(number, "completed")
