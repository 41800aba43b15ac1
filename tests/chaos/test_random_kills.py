"""A storm on each database: engines that are killed, hang and stop, systems that fail in every way, people who act.

In the end every request is what its story allows, every effect has happened once, and every death is counted once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.chaos.conftest import StartEngine
from tests.support import storm_functions
from tests.support.engine import PUBLIC_URL, Room
from tests.support.outside import Outside
from tests.support.own_postgres import OwnPostgres
from tests.support.storm.storm import Storm
from tests.support.storm.weather import LEASE, Start


@pytest.fixture
def start(start_engine: StartEngine) -> Start:
    options = {"lease": LEASE, "slots": 8, "grace": 0.2, "public_url": PUBLIC_URL}
    return partial(start_engine, functions=storm_functions.__name__, **options)


def _weather(storm: Storm, seconds: float, outages: int = 0) -> None:
    storm.blow(seconds, outages)
    storm.calm()
    storm.judge()
    print(storm.report)  # noqa: T201  # with -s, whoever lets it blow sees what it was


def _engines(room: Room) -> int:
    return 1 if room.database.is_sqlite else 2


def test_nothing_is_lost_or_done_twice(room: Room, outside: Outside, start: Start) -> None:
    _weather(Storm(room, outside, start, _engines(room)), seconds=8.0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nothing_is_lost_or_done_twice_in_a_long_storm(
    room: Room, outside: Outside, start: Start, tmp_path: Path
) -> None:
    """In which one step kills its worker every time."""
    storm = Storm(room, outside, start, _engines(room))
    storm.submit_deadly(tmp_path / "unless")
    _weather(storm, seconds=120.0)


class TestOfPostgresItself:
    """It is restarted: in an orderly way, which cuts everybody off, and as in a crash, from which it recovers."""

    @pytest.fixture
    def postgres(self) -> Iterator[OwnPostgres]:
        with OwnPostgres.started() as server:
            yield server

    @pytest.fixture
    def database_url(self, postgres: OwnPostgres) -> str:
        return postgres.url

    def test_its_restarts_cost_nothing(self, room: Room, outside: Outside, start: Start, postgres: OwnPostgres) -> None:
        _weather(Storm(room, outside, start, 2, postgres), seconds=10.0, outages=2)

    @pytest.mark.slow
    @pytest.mark.timeout(1800)
    def test_its_restarts_cost_nothing_in_a_long_storm(
        self, room: Room, outside: Outside, start: Start, postgres: OwnPostgres, tmp_path: Path
    ) -> None:
        storm = Storm(room, outside, start, 3, postgres)
        storm.submit_deadly(tmp_path / "unless")
        _weather(storm, seconds=120.0, outages=20)
