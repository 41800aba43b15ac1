"""A step that kills its worker at every attempt ends Blocked, and takes nobody else's budget along (SPEC 3.2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.limits import MAX_RECOVERIES, RECOVERY_DELAYS
from engine.rules.draft import Draft
from engine.states import StepStatus
from tests.chaos.conftest import StartEngine
from tests.support.engine import HANNA, Room
from tests.support.poll import PATIENCE
from tests.support.waiting import DEADLY, WAITING, Folder

DEATHS = 1 + MAX_RECOVERIES


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def _hurry(room: Room, number: int, node: str) -> None:
    """The clock moves on: a step that waits for its recovery becomes due now."""

    def due_now(draft: Draft) -> None:
        if draft.steps[node].status is StepStatus.WAITING:
            draft.change_step(node, due_at=draft.now)
            room.meddled.add(number)

    room.store.change(number, due_now)


def _check_blocked(room: Room, number: int) -> None:
    document = room.wait(number, "blocked")
    assert document.reason == "kill: The worker died at attempt 6 and at each of the 5 automatic recoveries."
    step = room.step(number, "kill")
    assert (step.status, step.recoveries, len(step.attempts)) == ("blocked", MAX_RECOVERIES, DEATHS)
    assert [attempt.kind for attempt in step.attempts] == ["initial", *["recovery"] * MAX_RECOVERIES]
    assert {attempt.outcome for attempt in step.attempts} == {"lost"}
    assert len({attempt.worker for attempt in step.attempts}) == DEATHS


def _check_re_trigger(room: Room, number: int, unless: Path) -> None:
    """A person's re-trigger opens a fresh budget."""
    unless.touch()
    room.engine.retrigger(HANNA, number, "kill", flow=True)
    room.wait(number, "completed")
    step = room.step(number, "kill")
    assert (step.recoveries, step.attempts[-1].kind, len(step.attempts)) == (0, "retrigger", DEATHS + 1)


def test_a_step_that_kills_its_worker_every_time_is_blocked_and_spends_no_other_steps_budget(
    room: Room, start_engine: StartEngine, tmp_path: Path
) -> None:
    """The waits between the recoveries are cut short; the slow test below waits for them."""
    room.publish(DEADLY)
    room.publish(WAITING)
    folder, unless = Folder(tmp_path / "folder"), tmp_path / "unless"
    number = room.submit("deadly", {"unless": str(unless)})
    others = [room.submit("waiting", folder.input) for _ in range(10)]
    for start in range(DEATHS):
        engine = start_engine()
        assert start < 3 or engine.recovered == 1, "from its second recovery on the step ran alone"
        if start == 2:
            folder.let_go()
        _hurry(room, number, "kill")
        others += [room.submit("waiting", folder.input) for _ in range(3)]
        assert engine.process.wait(PATIENCE) == -9
    assert start_engine().recovered == 1
    _check_blocked(room, number)
    spent = []
    for other in others:
        room.wait(other, "completed")
        spent.append(room.step(other, "wait").recoveries)
    assert spent[:10] == [2] * 10 and max(spent) == 2
    _check_re_trigger(room, number, unless)


def test_a_step_that_must_run_alone_waits_for_the_others_and_they_for_it(
    room: Room, start_engine: StartEngine, tmp_path: Path
) -> None:
    room.publish(WAITING)
    mine, beside, behind = (Folder(tmp_path / name) for name in ("mine", "beside", "behind"))
    number = room.submit("waiting", mine.input)
    for deaths in (1, 2):
        engine = start_engine()
        mine.wait_for_starts(deaths)
        engine.kill()
    other = room.submit("waiting", beside.input)
    start_engine()
    beside.wait_for_starts(1)
    _hurry(room, number, "wait")
    third = room.submit("waiting", behind.input)
    beside.let_go()
    room.wait(other, "completed")
    mine.wait_for_starts(3)
    assert room.step(third, "wait").status == "ready", "nothing is started beside it"
    started_alone = room.step(number, "wait").attempts[2].started_at
    ended = room.step(other, "wait").attempts[0].ended_at
    assert ended is not None and ended <= started_alone, "it waited until nothing ran beside it"
    mine.let_go()
    behind.let_go()
    room.wait(number, "completed")
    room.wait(third, "completed")
    assert room.step(number, "wait").recoveries == 2
    assert (room.step(other, "wait").recoveries, room.step(third, "wait").recoveries) == (0, 0)


@pytest.mark.slow
def test_the_recoveries_come_after_about_0_1_2_4_and_8_seconds(
    room: Room, start_engine: StartEngine, tmp_path: Path
) -> None:
    room.publish(DEADLY)
    unless = tmp_path / "unless"
    number = room.submit("deadly", {"unless": str(unless)})
    for _ in range(DEATHS):
        assert start_engine().process.wait(PATIENCE) == -9
    start_engine()
    _check_blocked(room, number)
    attempts = room.step(number, "kill").attempts
    for earlier, later, delay in zip(attempts, attempts[1:], RECOVERY_DELAYS, strict=False):
        assert earlier.ended_at is not None
        assert delay <= (later.started_at - earlier.ended_at).total_seconds() <= delay * 1.25 + 1.0
    _check_re_trigger(room, number, unless)
