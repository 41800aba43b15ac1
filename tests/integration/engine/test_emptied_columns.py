"""A hand has emptied the one column by which a step would be run: it runs within an hour (here sooner)."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from engine.functions import function
from storage.tables import DUE, steps
from tests.integration.engine.conftest import OpenRoom

ONE = "{workflow: one, app: HR, title: One, nodes: {one: {function: {name: emptied.one, isolation: thread}}}}"


@function("emptied.one")
def one() -> int:
    return 1


def test_a_ready_step_without_a_time_is_run(engine_url: str, open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("engine.worker.worker._THOROUGH_SWEEP", 0.1)
    room = open_room(engine_url)
    room.publish(ONE)
    number = room.submit("one")
    with room.database.writing() as connection:
        assert connection.execute(update(steps).where(DUE).values(due_at=None)).rowcount == 1
    room.start()
    room.wait(number, "completed")
    room.check_audit()
