"""What is particular where jobs bring the steps: lost jobs, jobs too many, branches, steps that run alone (SPEC 9)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from engine.functions import load_functions
from engine.rules.draft import Draft
from tests.support import deadly_functions
from tests.support.engine import Room
from tests.support.poll import PATIENCE, wait_until
from tests.support.waiting import WAITING, Folder

pytestmark = pytest.mark.postgres

SIDES = """
workflow: sides
app: HR
nodes:
  both: {branch: [left, right]}
  left:
    function: {name: deadly.wait_in, args: {folder: "{{ request.input.left }}"}, timeout: 5m, isolation: thread}
    next: joined
  right:
    function: {name: deadly.wait_in, args: {folder: "{{ request.input.right }}"}, timeout: 5m, isolation: thread}
    next: joined
  joined: {merge: {}}
"""
A_WHILE = 0.2  # seconds in which it would have happened; that nothing does, no condition shows
NEVER = 3600.0  # seconds


@pytest.fixture
def room(procrastinate_url: str) -> Iterator[Room]:
    load_functions([deadly_functions.__name__])
    with closing(Room(procrastinate_url)) as room:
        for definition in (WAITING, SIDES):
            room.publish(definition)
        yield room
        # Before the stop: a job that it cuts short is removed by other nodes.
        wait_until(lambda: not _jobs(room), "the end of all jobs")
        assert room.worker is None or room.worker.stop(grace=PATIENCE)
        room.worker = None
        room.check_audit()


def _jobs(room: Room) -> list[str]:
    with room.database.reading() as connection:
        jobs = list(connection.scalars(text("SELECT status::text FROM procrastinate_jobs")))
        events = connection.scalar(text("SELECT count(*) FROM procrastinate_events"))
    assert jobs or not events
    return jobs


def _do(room: Room, sql: str) -> None:
    with room.database.writing() as connection:
        connection.execute(text(sql))


def _submit(room: Room, folder: Path) -> tuple[int, Folder]:
    made = Folder(folder)
    return room.submit("waiting", made.input), made


def test_a_job_wakes_the_worker_of_another_process(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks by themselves, neither for jobs nor for what is due without one."""
    monkeypatch.setattr("engine.worker.worker._SWEEP", NEVER)
    monkeypatch.setattr("engine.executors.intake._POLL", NEVER)
    room.start()
    for place in range(5):
        number, folder = _submit(room, tmp_path / f"{place}")
        folder.let_go()
        room.wait(number, "completed")


def test_with_all_jobs_lost_every_step_is_run(room: Room, tmp_path: Path) -> None:
    made = [_submit(room, tmp_path / f"{place}") for place in range(5)]
    _do(room, "DELETE FROM procrastinate_jobs")
    room.start()
    for number, folder in made:
        folder.let_go()
        room.wait(number, "completed")


def test_jobs_too_many_run_nothing_twice(room: Room, tmp_path: Path) -> None:
    number, folder = _submit(room, tmp_path / "it")
    _do(room, "UPDATE procrastinate_jobs SET queueing_lock = NULL")
    for _ in range(4):
        _do(
            room,
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args) "
            "SELECT queue_name, task_name, args FROM procrastinate_jobs LIMIT 1",
        )
    room.start()
    folder.wait_for_starts(1)
    wait_until(lambda: len(_jobs(room)) == 1, "the end of the jobs that found nothing")
    folder.let_go()
    room.wait(number, "completed")
    assert len(folder.started()) == 1 == len(room.step(number, "wait").attempts)


def test_side_by_side_is_run_at_the_same_time(room: Room, tmp_path: Path) -> None:
    room.start(slots=2)
    left, right = Folder(tmp_path / "left"), Folder(tmp_path / "right")
    number = room.submit("sides", {"left": left.input["folder"], "right": right.input["folder"]})
    left.wait_for_starts(1)
    right.wait_for_starts(1)
    left.let_go()
    right.let_go()
    room.wait(number, "completed")


def test_a_step_that_must_run_alone_does_even_where_every_slot_waits_for_it(room: Room, tmp_path: Path) -> None:
    before, mine = _submit(room, tmp_path / "before"), Folder(tmp_path / "mine")
    room.start(slots=2)
    before[1].wait_for_starts(1)
    behind = [_submit(room, tmp_path / f"{place}") for place in range(3)]
    behind[0][1].wait_for_starts(1)  # no slot is left
    number = room.submit("waiting", mine.input)

    def lost_twice(draft: Draft) -> None:
        draft.change_step("wait", recoveries=2)
        room.meddled.add(number)

    room.store.change(number, lost_twice)
    behind[0][1].let_go()
    room.wait(behind[0][0], "completed")
    wait_until(lambda: _jobs(room).count("doing") == 2, "jobs that hold every slot")
    time.sleep(A_WHILE)
    assert not mine.started() and not behind[1][1].started(), "it waits for the one, and the others wait for it"
    before[1].let_go()
    mine.wait_for_starts(1)
    time.sleep(A_WHILE)
    assert not behind[1][1].started()
    mine.let_go()
    for made, folder in behind[1:]:
        folder.let_go()
        room.wait(made, "completed")
    room.wait(number, "completed")


def test_a_clean_stop_gives_the_step_back_with_a_job(room: Room, tmp_path: Path) -> None:
    number, folder = _submit(room, tmp_path / "it")
    worker = room.start()
    folder.wait_for_starts(1)
    assert not worker.stop(grace=0.1), "its thread hangs"
    assert (room.step(number, "wait").status, _jobs(room)) == ("ready", ["todo"])
    room.start()
    folder.wait_for_starts(2)
    folder.let_go()
    room.wait(number, "completed")
    assert room.step(number, "wait").recoveries == 0


def test_the_jobs_of_a_node_that_is_gone_are_removed(room: Room) -> None:
    _do(room, "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute')")
    _do(
        room,
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, worker_id) "
        "SELECT 'retrigger', 'retrigger.run', '{\"request\": 1}', 'doing', id FROM procrastinate_workers",
    )
    room.start(lease=0.5)
    wait_until(lambda: not _jobs(room), "the end of its job")
