"""A reading that many ask for and one makes: monitors must not cost more the more of them there are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")

_SHARE = 20  # a reading that took a second is good for so many


class Cached(Generic[T]):
    """What ``read`` gave, not older than ``seconds``, or than a multiple of the time that the reading took.

    Threads that ask while one reads wait for it. What it raises is raised to who asked, and not kept."""

    def __init__(self, read: Callable[[], T], seconds: float) -> None:
        self._read, self._seconds = read, seconds
        self._lock = threading.Lock()
        self._reading: Future[T] | None = None
        self._good_until = 0.0

    def get(self, patience: float | None = None) -> T:
        """The value. Raises TimeoutError when it has not come within ``patience`` seconds; the reading goes on, and
        who asks next waits for the same one."""
        with self._lock:
            reading = self._reading
            if reading is None or (reading.done() and (reading.exception() or time.monotonic() >= self._good_until)):
                reading = Future()
                threading.Thread(target=self._make, args=(reading,), name="reading", daemon=True).start()
                self._reading = reading  # only now: a thread that cannot be made reads nothing
        return reading.result(patience)

    def _make(self, reading: Future[T]) -> None:
        begun = time.monotonic()
        try:
            value = self._read()
        except Exception as error:
            reading.set_exception(error)
            return
        ended = time.monotonic()
        self._good_until = ended + max(self._seconds, _SHARE * (ended - begun))
        reading.set_result(value)
