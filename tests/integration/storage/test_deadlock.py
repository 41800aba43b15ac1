"""Two writers of PostgreSQL that want the same rows in opposite order: one is rolled back, and does it again."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import Connection, text

from storage.store import SqlStore
from tests.integration.storage.conftest import OpenStore
from tests.integration.storage.helpers import bump, in_one_batch, submit
from tests.support.poll import wait_until

LOCK = text("SELECT id FROM requests WHERE id = :id FOR UPDATE")


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """SQLite has one lock, for all."""
    return postgres_url


def _deadlocks(store: SqlStore) -> int:
    with store.database.reading() as connection:
        known = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(connection.scalar(known) or 0)


def _waits(store: SqlStore) -> bool:
    with store.database.reading() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


def _patient(connection: Connection) -> None:
    """So that the other one, which waits from before, is the victim."""
    connection.execute(text("SET LOCAL deadlock_timeout = '60s'"))


def test_a_writer_that_is_the_victim_does_everything_once(store: SqlStore, open_store: OpenStore) -> None:
    first, second = submit(store), submit(store)
    with open_store().database.writing() as other:
        _patient(other)
        other.execute(LOCK, {"id": second})
        changes = in_one_batch(store, *(partial(store.change_soon, each, bump) for each in (first, second)))
        wait_until(lambda: _waits(store), "the writer to hold the first and to want the second")
        other.execute(LOCK, {"id": first})  # comes back when the writer has given up its own
        assert not any(change.done() for change in changes)
    assert [change.result(10) for change in changes] == [1, 1]
    assert [store.change(each, bump) for each in (first, second)] == [2, 2]
    wait_until(lambda: _deadlocks(store) == 1, "PostgreSQL to count the deadlock")
