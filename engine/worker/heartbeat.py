"""The sign of life of an engine, and what it may conclude from the signs of others."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from engine.errors import StorageError
from engine.limits import SILENT_SECONDS
from engine.ports.store import Store


class _Beat(NamedTuple):
    """``at`` by the database's clock; by ours, that was between ``asked`` and ``answered``."""

    asked: float
    at: float
    answered: float


class Heartbeat:
    """Of the engine ``name``, whose leases last ``lease`` seconds, and which is the ``process``. ``clock`` gives
    monotonic seconds."""

    def __init__(
        self,
        store: Store,
        name: str,
        lease: float,
        process: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._name, self._lease, self._process = store, name, lease, process
        self._clock = clock
        self._since: float | None = None  # of the present row of beats without a gap, by the database's clock
        self._last: _Beat | None = None
        self._needed = lease  # seconds without a gap until others may be told dead

    def beat(self) -> None:
        """Renew this engine's presence, and the leases of all that it runs. Raises StorageError."""
        asked = self._clock()
        try:
            now = self._store.present(self._name, self._lease, self._process)
            beat = _Beat(asked, now, self._clock())
            self._store.renew(self._name, self._lease)
        except StorageError:
            self._since = None
            raise
        if self._last is not None and (self._since is None or self._is_gap(self._last, beat)):
            self._since, self._needed = now, self._lease + SILENT_SECONDS
        elif self._since is None:
            self._since = now
        self._last = beat

    def _is_gap(self, last: _Beat, beat: _Beat) -> bool:
        """So long that others' leases may have run out in it; or the database's clock was set by so much that it may
        look so, as they are renewed each fifth of a lease."""
        passed, little = beat.at - last.at, self._lease / 4
        was_set = not beat.asked - last.answered - little <= passed <= beat.answered - last.asked + little
        return passed > self._lease or was_set

    def end(self) -> None:
        """No beat comes after it. Raises StorageError."""
        self._store.present(self._name, 0)

    @property
    def sure_until(self) -> float | None:
        """By the database's clock; None when it has not beaten for a whole lease. Before, nobody can be told dead: the
        database, or the whole machine, may have been away, so that no living engine could renew its leases either.
        After an outage that it has seen itself it waits longer: others may still hang on connections that are silent
        since (decision 34). A database's clock that was set counts as an outage: set ahead, it looks as if a beat was
        missing, until the next one tells."""
        if self._since is None or self._last is None or self._last.at - self._since < self._needed:
            return None
        return self._last.at + self._lease / 2
