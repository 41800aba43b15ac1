"""By what a writer learns what became of a transaction whose commit was not answered.

Each writer has a row of its own, and writes into it the number of each transaction that it commits. PostgreSQL's own
numbers do not do: after a crash it gives those of which nothing had reached the disk to other transactions.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from storage import driver
from storage.database import Database

# A process that hangs in a transaction, with rows locked, would hold up all others: after 2 s it is rolled back.
_BEGIN = """
    SELECT extract(epoch FROM clock_timestamp())::float8,
        set_config('idle_in_transaction_session_timeout', '2000', true)
"""
_PUT = """
    INSERT INTO commits (writer, number, at) VALUES (%s, %s, extract(epoch FROM clock_timestamp())::float8)
    ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = excluded.at
    RETURNING at, set_config('idle_in_transaction_session_timeout', '2000', true)
"""
# Not a SELECT: it must wait for a transaction that is still being committed, even if that is the writer's first.
_FIND = """
    INSERT INTO commits (writer, number, at) VALUES (%s, 0, extract(epoch FROM clock_timestamp())::float8)
    ON CONFLICT (writer) DO UPDATE SET at = excluded.at
    RETURNING number
"""
_SWEEP = """
    DELETE FROM commits WHERE writer IN (
        SELECT writer FROM commits WHERE at < extract(epoch FROM clock_timestamp()) - 86400 FOR UPDATE SKIP LOCKED
    )
"""
_PATIENCE = "SET LOCAL statement_timeout = '5s'"


class CommitNumbers:
    """Those of one writer. Only PostgreSQL needs them: SQLite answers every commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = secrets.token_hex(8)
        self._number = 0

    def begin(self, connection: Connection, writes: bool) -> float:
        """The first statement of a transaction; one that ``writes`` is numbered by it. Returns the database's clock."""
        if writes:
            return self.put(connection)
        (row,) = driver.rows(connection, _BEGIN)
        return float(row[0])

    def put(self, connection: Connection) -> float:
        """Number the present transaction. Returns the database's clock."""
        self._number += 1
        (row,) = driver.rows(connection, _PUT, (self._writer, self._number))
        return float(row[0])

    def is_stored(self) -> bool | None:
        """Whether the last transaction with a number was committed. None: that cannot be learned now."""
        try:
            with self._database.engine.begin() as connection:
                connection.exec_driver_sql(_PATIENCE)
                found = connection.exec_driver_sql(_FIND, (self._writer,)).scalar_one()
        except SQLAlchemyError:
            return None
        return bool(found == self._number)

    def sweep(self, connection: Connection) -> None:
        """Forget writers that have not written for a day: most of them have ended."""
        connection.exec_driver_sql(_SWEEP)
