"""Changing the tables of a database in which engines are at work."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from engine.errors import StorageError
from storage.database import Database
from storage.errors import LOCK_NOT_AVAILABLE

T = TypeVar("T")

LOCK = 7238947  # any number that nobody else takes: of two processes that upgrade at once, one waits for the other
PATIENCE = 60.0  # seconds for which it is tried
LOCK_SECONDS = 2  # for one table: meanwhile everybody who comes for the table waits behind us, however short their work
_PAUSE = 0.5  # seconds, in which they get on
_IN_USE = (LOCK_NOT_AVAILABLE, "40P01")  # the other: a deadlock


def change_tables(database: Database, change: Callable[[Connection], T], patience: float = PATIENCE) -> T:
    """Run ``change`` in a transaction, beside no other change. It must be able to run again: on PostgreSQL the tables
    may be in use, by a backup for an hour, or by an engine that waits for what we hold. Raises StorageError."""
    end = time.monotonic() + patience
    while True:
        try:
            with database.writing() as connection:
                if not database.is_sqlite:  # there, the transaction holds the write lock
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
                return change(connection)
        except StorageError as error:
            if not _is_in_use(error.__cause__) or time.monotonic() > end:
                raise
        time.sleep(_PAUSE)


def _is_in_use(cause: BaseException | None) -> bool:
    return isinstance(cause, DBAPIError) and getattr(cause.orig, "sqlstate", None) in _IN_USE
