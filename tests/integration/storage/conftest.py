from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from storage.database import Database, open_database
from storage.migrations import upgrade
from storage.store import SqlStore
from tests.integration.storage.helpers import GRAPH

OpenStore = Callable[[], SqlStore]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = open_database(database_url)
    upgrade(database)
    yield database
    database.close()


@pytest.fixture
def open_store(database_url: str, database: Database) -> Iterator[OpenStore]:
    """Opens stores as several processes would: each with connections of its own."""
    opened: list[SqlStore] = []

    def new() -> SqlStore:
        store = SqlStore(open_database(database_url), lambda name, version: GRAPH, lambda app: app == "HR")
        opened.append(store)
        return store

    yield new
    for store in opened:
        store.close()
        store.database.close()


@pytest.fixture
def store(open_store: OpenStore) -> SqlStore:
    return open_store()
