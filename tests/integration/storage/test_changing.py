"""Tables are changed beside engines and backups that have them in use, and nobody waits long for that."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, text

from engine.errors import StorageError
from storage.changing import change_tables
from storage.database import Database
from storage.migrations import upgrade
from tests.integration.storage.conftest import OpenDatabase
from tests.support.poll import PATIENCE, wait_until

pytestmark = pytest.mark.postgres
FIRST, SECOND = "requests", "steps"  # in the order in which the change takes them


def add_a_column_to_each(connection: Connection) -> None:
    for table in (FIRST, SECOND):
        connection.execute(text(f"ALTER TABLE {table} ADD COLUMN newer INTEGER"))


@contextmanager
def using(database: Database, table: str) -> Iterator[Connection]:
    """A transaction that has the table in use."""
    with database.writing() as connection:
        connection.execute(text(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE"))
        yield connection


def somebody_waits_for(database: Database, table: str) -> bool:
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = CAST(:table AS regclass)"
    with database.reading() as connection:
        return bool(connection.scalar(text(query), {"table": table}))


def has_the_columns(database: Database) -> bool:
    query = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'newer'"
    with database.reading() as connection:
        return bool(connection.scalar(text(query)) == 2)


@pytest.fixture
def database(postgres_url: str, open_at: OpenDatabase) -> Database:
    database = open_at(postgres_url)
    upgrade(database)
    return database


def test_a_deadlock_with_an_engine_is_nobody_s_affair(database: Database):
    """The engine has the second table, and then wants the first one, which the change has by then."""
    with ThreadPoolExecutor(1) as pool:
        with using(database, SECOND) as engine:
            changed = pool.submit(change_tables, database, add_a_column_to_each)
            wait_until(lambda: somebody_waits_for(database, SECOND), "the change to have the first table")
            engine.execute(text("SET LOCAL deadlock_timeout = '60s'"))  # so that it is not the victim
            engine.execute(text(f"LOCK TABLE {FIRST} IN ROW EXCLUSIVE MODE"))
        changed.result(PATIENCE)

    assert has_the_columns(database)


def test_while_a_backup_has_a_table_others_go_on_and_it_is_changed_in_the_end(database: Database):
    with ThreadPoolExecutor(1) as pool:
        with using(database, FIRST):
            changed = pool.submit(change_tables, database, add_a_column_to_each)
            wait_until(lambda: somebody_waits_for(database, FIRST), "the change to wait")
            with using(database, FIRST):  # in the queue behind it, which gives way: else it would stand here for ever
                assert not changed.done()
        changed.result(PATIENCE)

    assert has_the_columns(database)


def test_a_table_that_is_in_use_for_long_is_told_and_left_as_it_is(database: Database):
    with using(database, SECOND), pytest.raises(StorageError, match="Nothing was changed; try again after that"):
        change_tables(database, add_a_column_to_each, patience=0.1)

    assert not has_the_columns(database)
