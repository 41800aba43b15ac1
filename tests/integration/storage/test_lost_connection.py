"""PostgreSQL goes away: between transactions, in one, and just as one is committed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
from sqlalchemy import Connection, text

from engine.errors import StorageError
from storage.database import open_database
from storage.migrations import upgrade
from storage.store import SqlStore
from tests.integration.storage.helpers import GRAPH, Worker, note, submit
from tests.support.poll import PATIENCE, wait_until
from tests.support.proxy import Proxy

pytestmark = pytest.mark.postgres


@pytest.fixture
def proxy(proxy: Proxy, postgres_url: str) -> Proxy:
    with closing(open_database(postgres_url)) as database:
        upgrade(database)
    return proxy


@pytest.fixture
def store(proxy: Proxy) -> Iterator[SqlStore]:
    with opened(proxy) as store:
        yield store


@contextmanager
def opened(proxy: Proxy) -> Iterator[SqlStore]:
    with ExitStack() as stack:
        database = stack.enter_context(closing(open_database(proxy.url.render_as_string(hide_password=False))))
        yield stack.enter_context(closing(SqlStore(database, lambda name, version: GRAPH, lambda app: False)))


def noted(store: SqlStore, request_id: int) -> list[str | None]:
    return [event.reason for event in store.detail(request_id).events[1:]]


def test_a_connection_that_died_while_idle_is_replaced(proxy: Proxy, store: SqlStore):
    request_id = submit(store)
    proxy.cut()
    assert store.change(request_id, note("on")) == "on"
    assert noted(store, request_id) == ["on"]


def test_a_commit_whose_answer_was_lost_counts_once(proxy: Proxy, store: SqlStore):
    request_id = submit(store)
    proxy.cut_at_commit = "after"
    assert store.change(request_id, note("once")) == "once"
    assert noted(store, request_id) == ["once"]


def test_a_commit_that_did_not_arrive_is_done_again(proxy: Proxy, store: SqlStore):
    request_id = submit(store)
    proxy.cut_at_commit = "before"
    assert store.change(request_id, note("once")) == "once"
    assert noted(store, request_id) == ["once"]


def test_a_commit_whose_fate_cannot_be_learned_says_so(proxy: Proxy, store: SqlStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("storage.transaction._LOOK_UP_SECONDS", 0.2)
    request_id = submit(store)
    store.database.engine.dispose()
    proxy.cut_at_commit = "after"
    proxy.refuse()
    with pytest.raises(StorageError, match="not known whether this was stored"):
        store.change(request_id, note("perhaps"))


@pytest.mark.parametrize("cut", ["after", "before"])
def test_steps_that_were_perhaps_claimed_are_run_once_the_fate_of_the_claim_can_be_learned(
    proxy: Proxy, store: SqlStore, monkeypatch: pytest.MonkeyPatch, cut: str
):
    """Claimed and forgotten, a step would be this worker's for ever: it renews the leases of all that it has."""
    monkeypatch.setattr("storage.transaction._LOOK_UP_SECONDS", 0.2)
    request_id = submit(store)
    store.database.engine.dispose()
    worker = Worker()
    proxy.cut_at_commit = cut
    proxy.refuse()
    store.attach(worker.claimer)
    wait_until(lambda: proxy.cut_at_commit is None, "the cut")
    with pytest.raises(StorageError, match="cannot be reached"):
        store.change(request_id, note("x"))
    assert not worker.claims
    proxy.accept()
    (claim,) = worker.wait(1)
    assert worker.succeed(store, claim)
    (done, following) = worker.wait(2)
    assert (done.step.node, done.step.attempt, following.step.node) == ("first", 1, "second")


def test_a_server_that_stays_away_fails_the_write_in_a_sentence(proxy: Proxy, store: SqlStore):
    request_id = submit(store)
    proxy.refuse()
    proxy.cut()
    with pytest.raises(StorageError, match="cannot be reached"):
        store.change(request_id, note("x"))


def test_a_process_that_hangs_with_rows_locked_does_not_hold_up_the_others(proxy: Proxy, store: SqlStore):
    """A frozen machine, say. Its transaction is rolled back; it does it again when it is well."""
    request_id, locked, go = submit(store), threading.Event(), threading.Event()

    def hang(connection: Connection, now: float) -> None:
        connection.execute(text("SELECT id FROM requests WHERE id = :id FOR UPDATE"), {"id": request_id})
        locked.set()
        go.wait(PATIENCE)

    hanging = threading.Thread(target=store.writer.write, args=(hang,))
    hanging.start()
    assert locked.wait(PATIENCE)
    with opened(proxy) as other:
        assert other.change(request_id, note("through")) == "through"
    assert hanging.is_alive() and not go.is_set()
    go.set()
    hanging.join(PATIENCE)
    assert store.change(request_id, note("well again")) == "well again"
    assert noted(store, request_id) == ["through", "well again"]


def test_a_connection_that_dies_before_the_rollback_hides_no_error(proxy: Proxy, store: SqlStore):
    """The rollback fails then, which is no concern of whoever asked for the transaction."""
    request_id = submit(store)

    def run(connection: Connection, now: float) -> None:
        proxy.cut()
        raise ValueError("of the operation itself")

    with pytest.raises(ValueError, match="of the operation itself"):
        store.writer.write(run)
    assert store.change(request_id, note("after")) == "after"
