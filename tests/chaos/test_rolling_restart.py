"""Workers that are replaced one after the other under load, and one that is killed, with the default lease."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from engine.states import AttemptOutcome
from tests.chaos.conftest import StartEngine
from tests.support.engine import Room
from tests.support.outside import Outside
from tests.support.poll import wait_until

pytestmark = pytest.mark.postgres

LOAD = 0.05  # seconds between two submits
TAKEN_OVER = 6.0  # seconds, at most, from the death of a machine to its steps' next attempts
SURE = 5.5  # seconds: an engine tells others dead once it has had the database for a lease; no condition shows that
ONBOARDING = """
workflow: onboarding
app: HR
nodes:
  account: {action: {connection: identity, method: POST, path: /accounts, body: {email: ada@example.com}}}
  both: {branch: [mail, desk]}
  mail:
    action: {connection: mail, method: POST, path: /send, body: {to: ada@example.com}}
    next: joined
  desk:
    action: {connection: facilities, method: POST, path: /desks, body: {account: acc-1}}
    next: joined
  joined: {merge: {}}
"""


@pytest.fixture
def database_url(procrastinate_url: str) -> str:
    """With jobs, which must not be lost either; test_two_engines.py has both executors."""
    return procrastinate_url


def _wait_until_no_job_is_left(room: Room) -> None:
    """Finished jobs are deleted, and what Procrastinate keeps of them, too."""

    def left() -> int:
        with room.database.reading() as connection:
            jobs = connection.scalar(text("SELECT count(*) FROM procrastinate_jobs")) or 0
            return jobs + (connection.scalar(text("SELECT count(*) FROM procrastinate_events")) or 0)

    wait_until(lambda: not left(), "the end of every job")


def test_a_rolling_restart_under_load_loses_nothing_and_counts_no_recovery(
    room: Room, outside: Outside, start_engine: StartEngine
) -> None:
    room.publish(ONBOARDING)
    outside.turn("mail", "slow", 0.1)
    with ThreadPoolExecutor(2) as starting:
        engines = list(starting.map(lambda name: start_engine(name=name), ["a", "b"]))
    numbers: list[int] = []
    over = threading.Event()

    def submit() -> None:
        while not over.is_set():
            numbers.append(room.submit("onboarding"))
            over.wait(LOAD)

    def let_work() -> None:
        """Until what was submitted from now on is done."""
        before = len(numbers)
        wait_until(lambda: len(numbers) > before, "another request")
        room.wait(numbers[before], "completed")

    with ThreadPoolExecutor(1) as load:
        loading = load.submit(submit)
        try:
            for place, old in enumerate(engines):
                let_work()
                start_engine(name=f"new-{place}")
                assert old.stop() == 0
            let_work()
        finally:
            over.set()
        loading.result()
    for number in numbers:
        document = room.wait(number, "completed")
        attempts = [attempt for step in document.steps for attempt in step.attempts]
        assert {attempt.outcome for attempt in attempts} == {AttemptOutcome.SUCCEEDED}
        assert not any(step.recoveries for step in document.steps)
    assert outside.effects == 3 * len(numbers) and len(numbers) > 10
    _wait_until_no_job_is_left(room)


def test_the_steps_of_a_killed_machine_run_again_in_time(
    room: Room, outside: Outside, start_engine: StartEngine, strict_times: bool
) -> None:
    room.publish(ONBOARDING)
    outside.turn("identity", "slow", seconds=60)
    first = start_engine(name="first", machine="another")
    numbers = [room.submit("onboarding") for _ in range(3)]
    outside.wait_for_calls(3)
    second = start_engine(name="second")
    time.sleep(SURE if strict_times else 0.0)
    killed_at = time.time()
    first.kill()
    outside.wait_for_calls(6)
    outside.turn("identity", "up")
    for number in numbers:
        room.wait(number, "completed")
        again = room.step(number, "account").attempts[1]
        taken = again.started_at.timestamp() - killed_at
        print(f"run again after {taken:.1f} s")  # noqa: T201  # with -s, whoever runs it sees what it took
        assert taken < TAKEN_OVER or not strict_times
    _wait_until_no_job_is_left(room)
    assert second.is_alive
