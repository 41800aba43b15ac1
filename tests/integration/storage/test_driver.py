"""Statements that are sent to PostgreSQL together (storage.driver.together); SQLite behaves the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from storage import driver
from storage.database import Database
from storage.guards import GuardFailed, guarded

INSERT = "INSERT INTO tallies (part, what, app, name, number) VALUES (0, 'x', '', '', 1)"
UPDATE_NONE = "UPDATE requests SET version = 2 WHERE id < 0"


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    connection = database.connect_writer()
    yield connection
    connection.close()


def _ask(connection: Connection, *statements: str) -> list[Any]:
    with driver.together(connection):
        return [driver.execute(connection, sql) for sql in statements]


def _write(connection: Connection, sql: str, *rows: int) -> None:
    with guarded(connection) as guards:
        guards.expect(driver.execute(connection, sql), rows)
        guards.expect(driver.execute(connection, INSERT), [1])


def test_answers_are_there_in_the_end(connection: Connection) -> None:
    cursors = _ask(connection, "SELECT 0", "SELECT 1", "SELECT 2")
    assert [cursor.fetchone()[0] for cursor in cursors] == [0, 1, 2]


def test_the_first_error_is_raised_and_the_connection_serves_on(connection: Connection) -> None:
    with pytest.raises(DBAPIError, match="nowhere"):
        _ask(connection, "SELECT 1 FROM nowhere", "SELECT 1 FROM elsewhere")
    connection.rollback()
    assert not connection.invalidated
    assert driver.rows(connection, "SELECT 7")[0][0] == 7


def test_what_was_done_before_an_error_is_rolled_back(connection: Connection) -> None:
    with pytest.raises(DBAPIError):
        _ask(connection, INSERT, "SELECT 1 FROM nowhere")
    connection.rollback()
    assert driver.rows(connection, "SELECT count(*) FROM tallies")[0][0] == 0


def test_rows_that_were_there_pass(connection: Connection) -> None:
    _write(connection, UPDATE_NONE)
    assert driver.rows(connection, "SELECT count(*) FROM tallies")[0][0] == 1


def test_a_row_that_was_not_there_is_told(connection: Connection) -> None:
    with pytest.raises(GuardFailed):
        _write(connection, UPDATE_NONE, 999)


def test_a_connection_that_has_ended_is_invalid(database: Database, connection: Connection) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has no connection that could end")
    (pid,) = driver.rows(connection, "SELECT pg_backend_pid()")[0]
    with database.writing() as other:
        other.exec_driver_sql("SELECT pg_terminate_backend(%s)", (pid,))
    with pytest.raises(DBAPIError) as caught:
        _ask(connection, "SELECT 1", "SELECT 2")
    assert caught.value.connection_invalidated
    assert connection.invalidated
