"""What the repositories share of which the store is made (storage.store)."""

from __future__ import annotations

from sqlalchemy import Connection

from engine.records import Event
from storage import rows
from storage.database import Database
from storage.writer import Writer


class Repository:
    """Reads through its own connections, and writes through the writer."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database, self._writer = database, writer

    def _audit(self, connection: Connection, event: Event, now: float) -> None:
        """Store an audit event in the transaction of what it tells."""
        self._database.statements.insert_events.run(connection, [rows.event_row(event._replace(at=now))])
