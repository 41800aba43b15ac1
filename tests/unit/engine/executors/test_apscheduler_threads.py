"""A machine that has no thread left for a moment: no step may wait for ever for the one that was not made."""

from __future__ import annotations

import threading

import pytest

from engine.executors.apscheduler import ApschedulerExecutor
from engine.records import Attempt, Claim, Step
from engine.states import AttemptKind, StepStatus
from tests.support.poll import wait_until


def test_a_step_whose_thread_could_not_be_made_is_run_by_a_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Step(1, "one", "function", StepStatus.RUNNING, 2, 1)
    claim = Claim(step, Attempt(1, "one", 1, AttemptKind.INITIAL, 1, 1, "w", 0.0), "w", 0.0)
    ran: list[Claim] = []
    executor = ApschedulerExecutor(lambda claim: ran.append(claim), lambda claim, done: None, slots=2)
    executor.start()
    start, refused = threading.Thread.start, list[str]()

    def refuse_once(thread: threading.Thread) -> None:
        if thread.name.startswith("ThreadPoolExecutor") and not refused:
            refused.append(thread.name)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse_once)
    executor.take([claim])
    wait_until(lambda: ran == [claim], "the step")
    assert refused
    executor.shutdown()
