"""Workspaces that took the app out (engine.ports.removals.Removals)."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from engine.ports.removals import Removal
from storage.store import SqlStore
from storage.tables import removals


class SqlRemovals:
    """Beside ``store``, in the same database and through the same writer."""

    def __init__(self, store: SqlStore) -> None:
        self._database, self._writer = store.database, store.writer

    def removed(self, team: str, reason: str) -> None:
        """Store it; the newest reason counts."""

        def run(connection: Connection, now: float) -> None:
            connection.execute(delete(removals).where(removals.c.team == team))
            connection.execute(insert(removals).values(team=team, reason=reason, at=now))

        self._writer.write(run, beside=True)

    def restored(self) -> None:
        """Forget them."""
        self._writer.write(lambda connection, now: connection.execute(delete(removals)), beside=True)

    def removals(self) -> list[Removal]:
        """By workspace."""
        with self._database.reading() as connection:
            return [Removal(*row) for row in connection.execute(select(removals).order_by(removals.c.team))]
