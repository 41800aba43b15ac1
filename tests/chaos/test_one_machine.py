"""Several engines on one machine, on PostgreSQL: the kernel knows at once which of them are dead, so their leases,
which are long here, are not waited for. Who hangs, or has lost its connections, is alive."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import text

from tests.chaos.conftest import StartEngine, check_each_death_counts_once, outcomes
from tests.support.engine import Room
from tests.support.waiting import Folder

pytestmark = pytest.mark.postgres

LEASE = 600.0
SHORT = 3.0
SOON = 2.0  # seconds, at most, until a step of the dead is run again
CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
SWEEPS = 1.5  # seconds in which every engine has looked for the dead; that nothing is done, no condition shows


@pytest.fixture(params=["postgres", "procrastinate"])
def database_url(request: pytest.FixtureRequest) -> str:
    """With either executor."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def test_the_only_engine_is_killed_and_started_again(
    room: Room, folder: Folder, start_engine: StartEngine, strict_times: bool
) -> None:
    engine = start_engine(lease=LEASE)
    numbers = [room.submit("waiting", folder.input) for _ in range(3)]
    folder.wait_for_starts(3)
    engine.kill()
    again = start_engine(lease=LEASE)
    assert again.recovered == 3 and room.store.workers_alive() == 1
    folder.wait_for_starts(6)
    folder.let_go()
    for number in numbers:
        room.wait(number, "completed")
        step = room.step(number, "wait")
        assert outcomes(step) == [("initial", "lost"), ("recovery", "succeeded")] and step.recoveries == 1
        assert step.attempts[1].started_at.timestamp() - again.ready_at < SOON or not strict_times


def test_one_is_killed_beside_another(
    room: Room, folder: Folder, start_engine: StartEngine, strict_times: bool
) -> None:
    first = start_engine(lease=LEASE, name="first", slots=2)
    numbers = [room.submit("waiting", folder.input) for _ in range(2)]
    folder.wait_for_starts(2)
    second = start_engine(lease=LEASE, name="second", slots=4)
    own = room.submit("waiting", folder.input)
    folder.wait_for_starts(3)
    killed_at = time.time()
    first.kill()
    folder.wait_for_starts(5)
    folder.let_go()
    for number in numbers:
        room.wait(number, "completed")
        attempts = room.step(number, "wait").attempts
        assert [str(attempt.worker).split("-")[0] for attempt in attempts] == ["first", "second"]
        assert attempts[1].started_at.timestamp() - killed_at < SOON or not strict_times
    room.wait(own, "completed")
    assert outcomes(room.step(own, "wait")) == [("initial", "succeeded")], "of the living one nothing is taken"
    assert second.is_alive


def test_who_hangs_or_has_lost_its_connections_is_not_dead(
    room: Room, folder: Folder, start_engine: StartEngine
) -> None:
    first = start_engine(lease=LEASE, name="first")
    number = room.submit("waiting", folder.input)
    folder.wait_for_starts(1)
    first.pause()
    with room.database.writing() as connection:
        connection.execute(text(CUT))
    second = start_engine(lease=LEASE, name="second")
    assert second.recovered == 0
    time.sleep(SWEEPS)
    assert len(folder.started()) == 1
    first.resume()
    folder.let_go()
    room.wait(number, "completed")
    assert outcomes(room.step(number, "wait")) == [("initial", "succeeded")]


def test_two_that_find_the_same_dead_count_its_death_once(
    room: Room, folder: Folder, start_engine: StartEngine
) -> None:
    check_each_death_counts_once(room, folder, start_engine(lease=LEASE, name="first"), start_engine, LEASE)


def test_of_another_machine_only_the_lease_tells(room: Room, folder: Folder, start_engine: StartEngine) -> None:
    there = start_engine(lease=SHORT, name="there", machine="another")
    number = room.submit("waiting", folder.input)
    folder.wait_for_starts(1)
    there.kill()
    assert start_engine(lease=SHORT, name="here").recovered == 0
    folder.let_go()
    room.wait(number, "completed")
    lost, again = room.step(number, "wait").attempts
    assert (again.started_at - lost.started_at).total_seconds() > SHORT
