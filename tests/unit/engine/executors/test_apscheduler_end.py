"""The executor's end: regular jobs that are under way still use the database, which is closed next."""

from __future__ import annotations

import threading

from engine.executors.apscheduler import ApschedulerExecutor


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
