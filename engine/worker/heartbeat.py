"""The sign of life of an engine, and what it may conclude from the signs of others."""

from __future__ import annotations

from engine.errors import StorageError
from engine.limits import SILENT_SECONDS
from engine.ports.store import Store


class Heartbeat:
    """Of the engine ``name``, whose leases last ``lease`` seconds, and which is the ``process``."""

    def __init__(self, store: Store, name: str, lease: float, process: str | None = None) -> None:
        self._store, self._name, self._lease, self._process = store, name, lease, process
        self._since: float | None = None  # of the present row of beats without a gap, by the database's clock
        self._last: float | None = None
        self._needed = lease  # seconds without a gap until others may be told dead

    def beat(self) -> None:
        """Renew this engine's presence, and the leases of all that it runs. Raises StorageError."""
        try:
            now = self._store.present(self._name, self._lease, self._process)
            self._store.renew(self._name, self._lease)
        except StorageError:
            self._since = None
            raise
        if self._last is not None and (self._since is None or not 0 <= now - self._last <= self._lease):
            self._since, self._needed = now, self._lease + SILENT_SECONDS
        elif self._since is None:
            self._since = now
        self._last = now

    def end(self) -> None:
        """No beat comes after it. Raises StorageError."""
        self._store.present(self._name, 0)

    @property
    def sure_until(self) -> float | None:
        """By the database's clock; None when it has not beaten for a whole lease. Before, nobody can be told dead: the
        database, or the whole machine, may have been away, so that no living engine could renew its leases either.
        After an outage that it has seen itself it waits longer: others may still hang on connections that are silent
        since (decision 34). A database's clock that was set counts as an outage; set ahead, it is seen by a beat that
        is late all of a sudden, and all leases with it."""
        if self._since is None or self._last is None or self._last - self._since < self._needed:
            return None
        return self._last + self._lease / 2
