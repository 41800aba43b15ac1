"""Where something ends: regular jobs still use the database, and a thread may be given one more step."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from engine.executors.apscheduler import ApschedulerExecutor
from engine.records import Attempt, Claim, Step
from engine.states import AttemptKind, StepStatus
from tests.support.poll import wait_until


class LateQueue(SimpleQueue[Any]):
    """Gives up soon, and just then ``at_end`` is called, once."""

    at_end: Callable[[], None] | None = None

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        try:
            return super().get(block, 0.01)
        except Empty:
            at_end, self.at_end = self.at_end, None
            if at_end is not None:
                at_end()
            raise


def _claim() -> Claim:
    step = Step(1, "one", "function", StepStatus.RUNNING, 2, 1)
    return Claim(step, Attempt(1, "one", 1, AttemptKind.INITIAL, 1, 1, "w", 0.0), "w", 0.0)


def _executor() -> ApschedulerExecutor:
    executor = ApschedulerExecutor(lambda claim: None, lambda claim, done: None, slots=1)
    executor.start()
    return executor


def test_the_end_waits_for_a_regular_job_that_is_under_way() -> None:
    executor, entered, go = _executor(), threading.Event(), threading.Event()
    ended: list[str] = []

    def job() -> None:
        entered.set()
        go.wait(60)
        ended.append("job")

    def shut_down() -> None:
        executor.shutdown()
        ended.append("executor")

    executor.every(0.01, job, "heartbeat")
    assert entered.wait(60)
    ending = threading.Thread(target=shut_down)
    ending.start()
    ending.join(0.1)
    assert ending.is_alive()
    go.set()
    ending.join(60)
    assert ended == ["job", "executor"]


def test_a_step_that_comes_just_as_the_last_thread_ends_is_run() -> None:
    first, late = _claim(), _claim()
    ran: list[int] = []
    executor = ApschedulerExecutor(lambda claim: ran.append(id(claim)), lambda claim, done: None, slots=1)
    executor._queue = queue = LateQueue()
    queue.at_end = lambda: executor.take([late])
    executor.start()
    executor.take([first])
    wait_until(lambda: ran == [id(first), id(late)], "the step that came late")
    executor.shutdown()


def test_the_end_does_not_wait_for_ever_for_a_job_that_hangs() -> None:
    executor, entered, go = _executor(), threading.Event(), threading.Event()

    def hang() -> None:
        entered.set()
        go.wait(60)

    executor.at(0.0, hang)
    assert entered.wait(60)
    assert not executor.shutdown(patience=0.05)
    go.set()


def test_the_end_may_come_just_as_a_timer_fires() -> None:
    """APScheduler's own thread must not die of it: pytest fails a test whose threads raise."""
    for _ in range(100):
        executor, fired = _executor(), threading.Event()
        executor.at(0.0, fired.set)
        fired.wait(60)
        executor.shutdown()
        executor.at(0.0, fired.set)  # comes too late, and is nothing to complain about
