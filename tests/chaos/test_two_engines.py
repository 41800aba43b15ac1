"""Two machines, one PostgreSQL: one dies or hangs, the other takes over, no result counts twice (SPEC 3.2, 3.4)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.limits import MAX_RECOVERIES
from tests.chaos.conftest import StartEngine, check_each_death_counts_once, outcomes
from tests.support.engine import Room
from tests.support.outside import Outside
from tests.support.processes import EngineProcess
from tests.support.waiting import DEADLY, Folder

pytestmark = pytest.mark.postgres

LEASE = 3.0  # seconds: who is alive must renew it on a busy machine, too, and several tests wait until it is over
TAKEN_OVER = LEASE + 2.0  # seconds, at most, from the death of a worker to its step's next attempt
MAILING = """
workflow: mailing
app: HR
title: Mailing
nodes:
  mail: {action: {connection: mail, method: POST, path: /send, body: {to: ada@example.com}, timeout: 60s}}
"""


@pytest.fixture(params=["postgres", "procrastinate"])
def database_url(request: pytest.FixtureRequest) -> str:
    """With either executor."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def first(start_engine: StartEngine) -> EngineProcess:
    return start_engine(lease=LEASE, name="first", machine="another")


class Hung(NamedTuple):
    """The first engine hangs in the step of a request, which the second has taken over."""

    number: int
    second: EngineProcess


@pytest.fixture
def hung(room: Room, folder: Folder, first: EngineProcess, start_engine: StartEngine) -> Hung:
    number = room.submit("waiting", folder.input)
    folder.wait_for_starts(1)
    second = start_engine(lease=LEASE, name="second")
    first.pause()
    folder.wait_for_starts(2)
    return Hung(number, second)


def test_what_a_killed_engine_ran_is_taken_over_by_the_other(
    room: Room, outside: Outside, first: EngineProcess, start_engine: StartEngine, strict_times: bool
) -> None:
    room.publish(MAILING)
    outside.turn("mail", "slow")
    numbers = [room.submit("mailing") for _ in range(3)]
    outside.wait_for_calls(3)
    second = start_engine(lease=LEASE, name="second")
    assert second.recovered == 0, "the first engine is alive"
    killed_at = time.time()
    first.kill()
    outside.wait_for_calls(6)
    outside.turn("mail", "up")
    for number in numbers:
        room.wait(number, "completed")
        step = room.step(number, "mail")
        assert outcomes(step) == [("initial", "lost"), ("recovery", "succeeded")]
        assert step.attempts[1].started_at.timestamp() - killed_at < TAKEN_OVER or not strict_times
        assert str(step.attempts[1].worker).startswith("second")
    assert outside.effects == 3 and len(set(outside.keys())) == 3


def test_a_hung_engine_that_wakes_up_after_the_end_leaves_only_evidence(
    room: Room, folder: Folder, first: EngineProcess, hung: Hung
) -> None:
    folder.let_go(hung.second.pid)
    before = room.wait(hung.number, "completed")
    folder.let_go(first.pid)
    first.resume()
    after = room.wait(hung.number, lambda d: d.steps[0].attempts[0].late is not None)
    step = room.step(hung.number, "wait")
    assert outcomes(step) == [("initial", "lost"), ("recovery", "succeeded")]
    assert '"outcome": "succeeded"' in str(step.attempts[0].late)
    assert after.status == "completed" and step.result == hung.second.pid
    assert step.version == before.steps[0].version
    assert [event.kind for event in after.events].count("late_result") == 1


def test_a_hung_engine_that_wakes_up_first_does_not_end_the_step_of_the_other(
    room: Room, folder: Folder, first: EngineProcess, hung: Hung
) -> None:
    folder.let_go(first.pid)
    first.resume()
    document = room.wait(hung.number, lambda d: d.steps[0].attempts[0].late is not None)
    assert document.steps[0].status == "running" and document.status == "in_progress"
    folder.let_go(hung.second.pid)
    document = room.wait(hung.number, "completed")
    assert document.steps[0].result == hung.second.pid


def test_a_call_that_a_hung_engine_had_under_way_is_made_again_under_its_key(
    room: Room, outside: Outside, first: EngineProcess, start_engine: StartEngine
) -> None:
    room.publish(MAILING)
    outside.turn("mail", "slow")
    number = room.submit("mailing")
    outside.wait_for_calls(1)
    start_engine(lease=LEASE, name="second")
    first.pause()
    outside.wait_for_calls(2)
    outside.turn("mail", "up")
    room.wait(number, "completed")
    first.resume()
    document = room.wait(number, lambda d: d.steps[0].attempts[0].late is not None)
    assert '"call": "accepted"' in str(document.steps[0].attempts[0].late)
    assert outside.effects == 1 and len(set(outside.keys())) == 1


def test_two_engines_share_the_work_and_run_nothing_twice(
    room: Room, outside: Outside, first: EngineProcess, start_engine: StartEngine
) -> None:
    room.publish(MAILING)
    outside.turn("mail", "slow", seconds=60)
    start_engine(lease=LEASE, name="second", slots=4)
    numbers = [room.submit("mailing") for _ in range(60)]
    outside.wait_for_calls(32 + 4)  # in all slots of both
    outside.turn("mail", "up")
    for number in numbers:
        room.wait(number, "completed")
    assert outside.effects == len(outside.calls()) == 60
    workers = {str(room.step(number, "mail").attempts[0].worker).split("-")[0] for number in numbers}
    assert workers == {"first", "second"}


def test_two_that_find_the_same_dead_count_each_death_once(
    room: Room, folder: Folder, first: EngineProcess, start_engine: StartEngine
) -> None:
    check_each_death_counts_once(room, folder, first, start_engine, LEASE)


@pytest.mark.slow
def test_a_step_that_kills_one_engine_after_the_other_is_blocked(
    room: Room, folder: Folder, first: EngineProcess, start_engine: StartEngine, tmp_path: Path
) -> None:
    """With its waits in full, and engines that are started again whenever they died."""
    room.publish(DEADLY)
    folder.let_go()
    engines = [first, start_engine(lease=LEASE)]
    number = room.submit("deadly", {"unless": str(tmp_path / "unless")})
    others = []
    while room.document(number).status != "blocked":
        others.append(room.submit("waiting", folder.input))
        engines = [engine if engine.is_alive else start_engine(lease=LEASE) for engine in engines]
        time.sleep(0.1)
    attempts = room.step(number, "kill").attempts
    assert {attempt.outcome for attempt in attempts} == {"lost"}
    assert len({attempt.worker for attempt in attempts}) == len(attempts) == 1 + MAX_RECOVERIES
    for other in others:
        room.wait(other, "completed")
        assert room.step(other, "wait").recoveries <= 2
