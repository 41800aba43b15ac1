"""The sign of life of an engine, and what it may conclude from the signs of others."""

from __future__ import annotations

from engine.errors import StorageError
from engine.store import Store


class Heartbeat:
    """Of the engine ``name``, whose leases last ``lease`` seconds."""

    def __init__(self, store: Store, name: str, lease: float) -> None:
        self._store, self._name, self._lease = store, name, lease
        self._since: float | None = None  # of the present row of beats without a gap, by the database's clock
        self._last = 0.0

    def beat(self) -> None:
        """Renew this engine's presence, and the leases of all that it runs. Raises StorageError."""
        try:
            now = self._store.present(self._name, self._lease)
            self._store.renew(self._name, self._lease)
        except StorageError:
            self._since = None
            raise
        if self._since is None or now - self._last > self._lease:
            self._since = now
        self._last = now

    def end(self) -> None:
        """No beat comes after it. Raises StorageError."""
        self._store.present(self._name, 0)

    @property
    def is_steady(self) -> bool:
        """Whether it has beaten for a whole lease. Before, nobody can be told dead: the database, or the whole machine,
        may have been away, so that no living engine could renew its leases either."""
        return self._since is not None and self._last - self._since >= self._lease
