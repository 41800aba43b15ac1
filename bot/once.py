"""What came in lately, so that what comes a second time is known (SPEC 7: duplicates)."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

KEPT = 600.0  # seconds; Slack repeats an event up to 5 minutes later

T = TypeVar("T")


class Once(Generic[T]):
    """A value for each key, made when the key comes first, kept for ten minutes. ``clock`` gives seconds that only
    rise. For any number of threads: of those that come with one key at once, one makes the value."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, T]] = {}  # oldest first
        self._lock = Lock()

    def get(self, key: str, make: Callable[[], T]) -> tuple[T, bool]:
        """The key's value, and whether it was made just now."""
        now = self._clock()
        with self._lock:
            self._forget(now)
            if key in self._kept:
                return self._kept[key][1], False
            value = make()
            self._kept[key] = (now, value)
            return value, True

    def _forget(self, now: float) -> None:
        while self._kept:
            oldest = next(iter(self._kept))
            if now - self._kept[oldest][0] < KEPT:
                return
            del self._kept[oldest]
