from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from storage.database import Database, open_database
from storage.migrations import upgrade
from storage.store import SqlStore
from tests.integration.storage.helpers import GRAPH, Worker, submit

OpenDatabase = Callable[[str], Database]
OpenStore = Callable[[], SqlStore]


@pytest.fixture
def open_at() -> Iterator[OpenDatabase]:
    """Opens databases, which are closed when the test is over, however it ends."""
    with ExitStack() as opened:
        yield lambda url: opened.enter_context(closing(open_database(url)))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(open_database(database_url)) as database:
        upgrade(database)
        yield database


@pytest.fixture
def open_store(database_url: str, database: Database) -> Iterator[OpenStore]:
    """Opens stores as several processes would: each with connections of its own."""
    with ExitStack() as opened:

        def new() -> SqlStore:
            database = opened.enter_context(closing(open_database(database_url)))
            store = SqlStore(database, lambda name, version: GRAPH, lambda app: app == "HR")
            return opened.enter_context(closing(store))

        yield new


@pytest.fixture
def store(open_store: OpenStore) -> SqlStore:
    return open_store()


@pytest.fixture
def worker(store: SqlStore) -> Worker:
    """It runs the first step of each of two requests."""
    worker = Worker()
    submit(store), submit(store)
    store.attach(worker.claimer)
    worker.wait(2)
    store.detach()
    return worker
