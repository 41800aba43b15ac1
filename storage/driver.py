"""Statements of the hot path, given to the driver as they are.

SQLAlchemy makes a result object with its metadata for every statement, which costs ten times what the database itself
does for a small one. Everything else stays SQLAlchemy's: the pool, the transaction, and how errors are told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


def execute(connection: Connection, sql: str, values: Any = (), *, many: bool = False) -> Any:
    """The driver's cursor after the statement; ``many``: once for each row of ``values``. Raises DBAPIError."""
    if not connection.in_transaction():
        connection.begin()
    return bare(connection, sql, values, many=many)


def bare(connection: Connection, sql: str, values: Any = (), *, many: bool = False) -> Any:
    """The same, in whatever transaction there is."""
    dialect = connection.dialect
    cursor = connection.connection.cursor()
    try:
        if many:
            cursor.executemany(sql, values)
        else:
            cursor.execute(sql, values)
    except dialect.loaded_dbapi.Error as error:
        raise told(connection, sql, error, cursor) from error
    return cursor


@contextmanager
def together(connection: Connection) -> Iterator[None]:
    """What is asked within goes to PostgreSQL without a wait for each answer: they all come in the end. SQLite answers
    at once anyway. Raises DBAPIError, the first of all."""
    raw = connection.connection.driver_connection
    if raw is None or connection.dialect.name == "sqlite":
        yield
        return
    try:
        with raw.pipeline():
            yield
    except connection.dialect.loaded_dbapi.Error as error:
        raise told(connection, "", error) from error


def told(connection: Connection, sql: str, error: Any, cursor: Any = None) -> BaseException:
    """The driver's ``error`` as SQLAlchemy tells it. A connection that it has ended is invalid from now on."""
    dialect = connection.dialect
    lost = dialect.is_disconnect(error, connection.connection, cursor)
    kind = dialect.loaded_dbapi.Error
    known: BaseException = DBAPIError.instance(sql, None, error, kind, connection_invalidated=lost, dialect=dialect)
    if lost:
        connection.invalidate(error)
    return known


def rows(connection: Connection, sql: str, values: Any = ()) -> Sequence[Sequence[Any]]:
    """All rows of a question."""
    found: Sequence[Sequence[Any]] = execute(connection, sql, values).fetchall()
    return found
