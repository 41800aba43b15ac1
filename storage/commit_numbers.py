"""By what a writer learns what became of a transaction whose commit was not answered.

Each writer has a row of its own, and writes into it the number of each transaction that it commits. PostgreSQL's own
numbers do not do: after a crash it gives those of which nothing had reached the disk to other transactions.
"""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from storage import driver
from storage.database import Database
from storage.query import POSTGRES_CLOCK

_SETTINGS = {
    # A process that hangs in a transaction, with rows locked, would hold up all others: after 2 s it is rolled back.
    "idle_in_transaction_session_timeout": "2000",
    # The writer finds rows by their keys. While a table is small, or not counted yet, PostgreSQL would rather read it
    # whole, and go on with that plan until autovacuum comes by.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
# For this transaction only, so that it works behind a pooler, too.
_SET = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in _SETTINGS.items())
_SET += ", set_config('lock_timeout', %s, true)"
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
_CLOCK = f"SELECT {POSTGRES_CLOCK}, {_SET}"
_PUT = f"""
    INSERT INTO commits (writer, number, at) VALUES (%s, %s, {POSTGRES_CLOCK})
    ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = excluded.at
    RETURNING at, {_SET}
"""  # noqa: S608 - of constants
# Not a SELECT: it must wait for a transaction that is still being committed, even if that is the writer's first.
_FIND = f"""
    INSERT INTO commits (writer, number, at) VALUES (%s, 0, {POSTGRES_CLOCK})
    ON CONFLICT (writer) DO UPDATE SET at = excluded.at
    RETURNING number
"""  # noqa: S608 - of constants
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

    def begin(self, connection: Connection, writes: bool, wait: float) -> Any:
        """Begin a transaction, which waits ``wait`` seconds for a lock; one that ``writes`` is numbered. Returns the
        driver's cursor, which has the database's clock: see storage.driver.together."""
        driver.execute(connection, _BEGIN)
        return self.put(connection, wait) if writes else driver.execute(connection, _CLOCK, (_lock_timeout(wait),))

    def put(self, connection: Connection, wait: float) -> Any:
        """Number the present transaction. Returns as ``begin``."""
        self._number += 1
        return driver.execute(connection, _PUT, (self._writer, self._number, _lock_timeout(wait)))

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


def _lock_timeout(seconds: float) -> str:
    return f"{seconds * 1000:.0f}ms"
