"""What is regular stays so when somebody sets the machine's clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest
from apscheduler.schedulers import base

from engine.executors import apscheduler
from engine.executors.apscheduler import ApschedulerExecutor
from tests.support.poll import wait_until

_set_by = [timedelta()]
_real = time.time


class Shifted(datetime):
    """The machine's clock, as somebody has set it."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return datetime.now(tz) + _set_by[0]


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApschedulerExecutor]:
    _set_by[0] = timedelta()
    monkeypatch.setattr(base, "datetime", Shifted)
    monkeypatch.setattr(apscheduler, "datetime", Shifted)
    monkeypatch.setattr(time, "time", lambda: _real() + _set_by[0].total_seconds())
    executor = ApschedulerExecutor(lambda claim: None, lambda claim, done: None, slots=1)
    executor.start()
    yield executor
    executor.shutdown()


@pytest.mark.parametrize("hours", [-1, 1])
def test_nothing_regular_stands_still(executor: ApschedulerExecutor, hours: int) -> None:
    beats: list[float] = []
    executor.every(0.05, lambda: beats.append(time.monotonic()), "heartbeat")
    rung: list[float] = []
    executor.at(0.5, lambda: rung.append(time.monotonic()))
    wait_until(lambda: len(beats) > 1, "the first beats")

    _set_by[0] = timedelta(hours=hours)

    before = len(beats)
    wait_until(lambda: len(beats) > before + 3 and bool(rung), "beats and the timer after the clock was set")
