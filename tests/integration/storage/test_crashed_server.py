"""PostgreSQL crashes just as something is committed, and is there again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, event

from storage.database import open_database
from storage.migrations import upgrade
from storage.store import SqlStore
from tests.integration.storage.helpers import GRAPH, note, submit
from tests.support.own_postgres import OwnPostgres

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgres]:
    with OwnPostgres.started() as server:
        database = open_database(server.url)
        upgrade(database)
        database.close()
        yield server


def open_store(server: OwnPostgres) -> SqlStore:
    return SqlStore(open_database(server.url), lambda name, version: GRAPH, lambda app: False)


@pytest.fixture
def store(server: OwnPostgres) -> Iterator[SqlStore]:
    store = open_store(server)
    yield store
    store.close()
    store.database.close()


def noted(store: SqlStore, request_id: int) -> list[str | None]:
    return [event.reason for event in store.detail(request_id).events[1:]]


def test_a_commit_that_a_crash_swallowed_is_not_taken_for_anothers(server: OwnPostgres, store: SqlStore) -> None:
    """After a crash PostgreSQL gives the numbers of transactions of which nothing has reached the disk to others."""
    mine, others = submit(store), submit(store)

    crashed = False

    def crash(connection: Connection) -> None:
        nonlocal crashed
        if crashed:
            return
        crashed = True
        server.stop("immediate")
        server.start()
        other = open_store(server)
        for number in range(5):
            other.change(others, note(str(number)))
        other.close()
        other.database.close()

    event.listen(store.database.engine, "commit", crash)
    assert store.change(mine, note("once")) == "once"
    assert noted(store, mine) == ["once"]
    assert noted(store, others) == ["0", "1", "2", "3", "4"]
