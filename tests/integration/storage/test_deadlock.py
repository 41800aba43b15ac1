"""Two writers of PostgreSQL that want the same rows in opposite order: one is rolled back, and does it again."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import Connection, text

from storage.store import SqlStore
from tests.integration.storage.conftest import OpenStore
from tests.integration.storage.helpers import Worker, bump, in_one_batch, submit
from tests.support.poll import PATIENCE, wait_until
from tests.support.postgres import is_waited_for

LOCK = text("SELECT id FROM requests WHERE id = :id FOR UPDATE")


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """SQLite has one lock, for all."""
    return postgres_url


def _deadlocks(store: SqlStore) -> int:
    with store.database.reading() as connection:
        known = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(connection.scalar(known) or 0)


def _patient(connection: Connection) -> None:
    """So that the other one, which waits from before, is the victim."""
    connection.execute(text("SET LOCAL deadlock_timeout = '60s'"))


def test_a_writer_that_is_the_victim_does_everything_once(
    store: SqlStore, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.transaction._WAIT", 60.0)  # it does not give up before that
    first, second = submit(store), submit(store)
    with open_store().database.writing() as other:
        _patient(other)
        other.execute(LOCK, {"id": second})
        changes = in_one_batch(store, *(partial(store.change_soon, each, bump) for each in (first, second)))
        wait_until(lambda: is_waited_for(store.database), "the writer to hold the first and to want the second")
        other.execute(LOCK, {"id": first})  # comes back when the writer has given up its own
        assert not any(change.done() for change in changes)
    assert [change.result(PATIENCE) for change in changes] == [1, 1]
    assert [store.change(each, bump) for each in (first, second)] == [2, 2]
    wait_until(lambda: _deadlocks(store) == 1, "PostgreSQL to count the deadlock")


def test_a_heartbeat_keeps_no_step_from_who_changes_its_request(store: SqlStore, open_store: OpenStore) -> None:
    """Leases are renewed in a transaction that may have to wait for a request. Whoever holds that one goes on to its
    steps, and would wait for the leases."""
    number, worker = submit(store), Worker()
    store.attach(worker.claimer)
    worker.wait()
    store.detach()
    with open_store().database.writing() as other:
        _patient(other)
        other.execute(LOCK, {"id": number})
        renewed, change = in_one_batch(
            store,
            partial(_soon, partial(store.renew, worker.name, 60.0)),
            partial(store.change_soon, number, bump),
        )
        wait_until(lambda: is_waited_for(store.database), "the writer to want the request")
        other.execute(text("SET LOCAL lock_timeout = '500ms'"))
        other.execute(text("UPDATE steps SET error = 'x' WHERE request_id = :id"), {"id": number})
    assert (renewed.result(PATIENCE), change.result(PATIENCE)) == (1, 1)


def test_a_heartbeat_waits_for_nobody(store: SqlStore, open_store: OpenStore) -> None:
    held, free, worker = submit(store), submit(store), Worker()
    store.attach(worker.claimer)
    worker.wait(2)
    with open_store().database.writing() as other:
        other.execute(text("UPDATE steps SET error = 'x' WHERE request_id = :id"), {"id": held})
        assert _soon(partial(store.renew, worker.name, 60.0)).result(PATIENCE) == 1
    assert store.renew(worker.name, 60.0) == 2
    assert free


def _soon(ask: Callable[[], int]) -> Future[int]:
    """In a thread of its own, which has had time to ask when this returns."""
    threads = ThreadPoolExecutor(1)
    answer = threads.submit(ask)
    threads.shutdown(wait=False)
    time.sleep(0.1)
    return answer
