"""PostgreSQL goes away for longer than a lease, and comes back: nobody has died of that (SPEC 3.2)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from storage.tables import workers
from tests.chaos.conftest import StartEngine
from tests.support.engine import Room
from tests.support.own_postgres import OwnPostgres
from tests.support.poll import wait_until
from tests.support.processes import EngineProcess
from tests.support.proxy import Proxy
from tests.support.waiting import WAITING, Folder

pytestmark = pytest.mark.postgres

LEASE = 6.0


@pytest.fixture(scope="module")
def postgres() -> Iterator[OwnPostgres]:
    with OwnPostgres.started() as server:
        yield server


@pytest.fixture
def database_url(postgres: OwnPostgres) -> str:
    return postgres.url


@pytest.fixture
def door(postgres: OwnPostgres) -> Iterator[Proxy]:
    """Through it the first engine reaches the database; a test can keep it shut a little longer than the other's."""
    proxy = Proxy(make_url(postgres.url))
    yield proxy
    proxy.close()


class Case:
    """A step that the first engine runs, and that waits to be let go."""

    def __init__(self, room: Room, first: EngineProcess, folder: Folder) -> None:
        self._room, self.first, self._folder = room, first, folder
        room.publish(WAITING)
        self._number = room.submit("waiting", folder.input)
        folder.wait_for_starts(1)

    def present_until(self, engine: EngineProcess) -> float:
        """Until when its last sign of life says that it is there."""
        with self._room.database.reading() as connection:
            mine = workers.c.name.startswith(f"child-{engine.pid}-")
            return connection.scalar(select(workers.c.present_until).where(mine)) or 0.0

    def wait_for_signs(self, engine: EngineProcess, number: int) -> None:
        for _ in range(number):
            last = self.present_until(engine)
            wait_until(partial(self._has_beaten, engine, last), "a sign of life")

    def _has_beaten(self, engine: EngineProcess, last: float) -> bool:
        return self.present_until(engine) > last

    def check_undisturbed(self) -> None:
        """The step ends where it began, and no death was counted."""
        self._folder.let_go()
        self._room.wait(self._number, "completed")
        step = self._room.step(self._number, "wait")
        assert [(attempt.kind, attempt.outcome) for attempt in step.attempts] == [("initial", "succeeded")]
        assert step.recoveries == 0 and self._folder.started() == [self.first.pid]


@pytest.fixture
def case(room: Room, start_engine: StartEngine, door: Proxy, tmp_path: Path) -> Case:
    first = start_engine(url=door.url.render_as_string(hide_password=False), lease=LEASE)
    return Case(room, first, Folder(tmp_path / "folder"))


def test_an_engine_that_is_back_earlier_than_another_does_not_take_it_for_dead(
    case: Case, start_engine: StartEngine, postgres: OwnPostgres, door: Proxy
) -> None:
    second = start_engine(lease=LEASE)
    over = case.present_until(case.first)
    door.refuse()
    postgres.stop("immediate")
    wait_until(lambda: time.time() > over, "the end of the lease")
    postgres.start()
    case.wait_for_signs(second, 2)  # and it has looked for the dead meanwhile
    door.accept()
    case.wait_for_signs(case.first, 1)
    case.check_undisturbed()


def test_an_engine_that_is_started_just_then_takes_nobody_for_dead(
    case: Case, room: Room, start_engine: StartEngine, door: Proxy
) -> None:
    door.refuse()
    door.cut()
    wait_until(lambda: room.store.expired(), "the end of the lease")
    assert start_engine(lease=LEASE).recovered == 0
    door.accept()
    case.wait_for_signs(case.first, 1)
    case.check_undisturbed()
