"""Somebody sets the database's clock back by an hour: every time that is stored lies an hour further ahead."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from engine.audit.walk import walk
from engine.functions import function
from engine.limits import ALONE_FROM_RECOVERY
from storage.tables import DUE, steps
from tests.integration.engine.conftest import OpenRoom
from tests.support.engine import Room

ONE = "{workflow: one, app: HR, title: One, nodes: {one: {function: {name: clock.one, isolation: thread}}}}"
HOUR = 3600.0


@function("clock.one")
def one() -> int:
    return 1


@pytest.fixture
def room(engine_url: str, open_room: OpenRoom) -> Room:
    room = open_room(engine_url)
    room.publish(ONE)
    return room


def set_back(room: Room) -> None:
    with room.database.writing() as connection:
        connection.execute(update(steps).where(DUE).values(due_at=steps.c.due_at + HOUR))


@pytest.mark.parametrize("recoveries", [0, ALONE_FROM_RECOVERY])
def test_a_ready_step_is_due_whatever_the_clock_says(room: Room, recoveries: int) -> None:
    number = room.submit("one")
    set_back(room)
    with room.database.writing() as connection:
        connection.execute(update(steps).where(DUE).values(recoveries=recoveries))
    room.start()
    room.wait(number, "completed")


def test_it_differs_from_its_history_in_nothing(room: Room) -> None:
    room.submit("one")
    set_back(room)
    assert room.store.bring_forward() == 1
    assert room.store.next_due() == 0.0
    assert [it.found for it in walk(room.store, room.catalog.graph)] == [[]]
    set_back(room)
    assert [it.found for it in walk(room.store, room.catalog.graph)] == [[]]


def test_a_wait_for_a_time_is_kept(room: Room) -> None:
    room.submit("one")
    with room.database.writing() as connection:
        connection.execute(update(steps).where(DUE).values(status="waiting", due_at=steps.c.due_at + HOUR))
    assert room.store.bring_forward() == 0
    assert room.store.next_due() == pytest.approx(HOUR, abs=30.0)
