"""What is refused again and again for one reason, such as by a database that is away, is said once, and once that it is
over."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from engine.errors import StorageError
from engine.logs import logger

log = logger(__name__)


class Outage:
    """Of the database of one worker. ``clock`` gives seconds. Used by many threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._waiting: set[str] = set()
        self._since = 0.0

    def met(self, name: str, error: StorageError) -> None:
        """What ``name`` stands for was refused, and is tried again."""
        with self._lock:
            is_first = not self._waiting
            self._waiting.add(name)
            if is_first:
                self._since = self._clock()
        if is_first:
            log.error("database.away", says=f"{error} It is tried again until it works; nothing is lost.")

    def over(self, name: str) -> None:
        """It works."""
        if name not in self._waiting:  # nearly always, and so without the lock
            return
        with self._lock:
            self._waiting.discard(name)
            is_last = not self._waiting
        if is_last:
            log.info("database.back", says="The database works again.", seconds=round(self._clock() - self._since, 1))
