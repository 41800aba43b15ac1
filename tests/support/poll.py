"""Waiting for what other threads and processes do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds until what was to come is given up: far more than it takes, for a machine may be busy with other things."""


def wait_until(condition: Callable[[], T], what: str = "it", seconds: float = PATIENCE, every: float = 0.01) -> T:
    """The condition's first true answer; fails, naming ``what`` did not come, after ``seconds``."""
    end = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < end, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(every)
    return answer
