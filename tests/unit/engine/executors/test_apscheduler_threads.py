"""A machine that has no thread left for a moment: no step may wait for ever for the one that was not made."""

from __future__ import annotations

import threading

import pytest

from engine.executors.apscheduler import ApschedulerExecutor
from engine.records import Attempt, Claim, Step
from engine.states import AttemptKind, StepStatus
from tests.support.poll import wait_until


def _claim() -> Claim:
    step = Step(1, "one", "function", StepStatus.RUNNING, 2, 1)
    return Claim(step, Attempt(1, "one", 1, AttemptKind.INITIAL, 1, 1, "w", 0.0), "w", 0.0)


def _refuse_one(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The next thread for a step cannot be made. Its name, once that was tried."""
    start, refused = threading.Thread.start, list[str]()

    def refuse_once(thread: threading.Thread) -> None:
        if thread.name.startswith("ThreadPoolExecutor") and not refused:
            refused.append(thread.name)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse_once)
    return refused


def test_a_step_whose_thread_could_not_be_made_is_run_by_a_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    claim, ran = _claim(), list[Claim]()
    executor = ApschedulerExecutor(lambda claim: ran.append(claim), lambda claim, done: None, slots=2)
    executor.start()
    refused = _refuse_one(monkeypatch)
    executor.take([claim])
    wait_until(lambda: ran == [claim], "the step")
    assert refused
    executor.shutdown()


def test_a_thread_that_could_not_be_made_takes_no_place_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each later step would wait for the look of a second at steps that have no thread."""
    first, second, entered, go = _claim(), _claim(), list[Claim](), threading.Event()

    def execute(claim: Claim) -> None:
        entered.append(claim)
        go.wait()

    executor = ApschedulerExecutor(execute, lambda claim, done: None, slots=2)
    executor.start()
    _refuse_one(monkeypatch)
    executor.take([first])
    wait_until(lambda: entered == [first], "the step")
    monkeypatch.setattr(executor, "_staff_anew", lambda taken: taken)
    executor.take([second])
    try:
        wait_until(lambda: entered == [first, second], "the step beside it")
    finally:
        go.set()
        executor.shutdown()
