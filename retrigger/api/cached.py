"""A reading that many ask for and one makes: monitors must not cost more the more of them there are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_SHARE = 20  # a reading that took a second is good for so many


class Cached(Generic[T]):
    """What ``read`` gave, not older than ``seconds``, or than a multiple of the time that the reading took.

    Threads that ask while one reads wait for it. What it raises is raised to who asked, and not kept."""

    def __init__(self, read: Callable[[], T], seconds: float) -> None:
        self._read, self._seconds = read, seconds
        self._lock = threading.Lock()
        self._value: T | None = None
        self._good_until = 0.0

    def get(self) -> T:
        """The value."""
        with self._lock:
            begun = time.monotonic()
            if self._value is None or begun >= self._good_until:
                self._value = self._read()
                ended = time.monotonic()
                self._good_until = ended + max(self._seconds, _SHARE * (ended - begun))
            return self._value
