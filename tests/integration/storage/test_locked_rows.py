"""A session of somebody else, psql say, has locked a request's row and leaves its transaction open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from sqlalchemy import text

from engine.errors import StorageError
from storage.store import SqlStore
from tests.integration.storage.conftest import OpenStore
from tests.integration.storage.helpers import Worker, bump, in_one_batch, note, submit, succeeding

pytestmark = pytest.mark.postgres
LONG = 60.0  # seconds; nothing takes as long, and who waits for the lock would


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """SQLite has one lock, for all."""
    return postgres_url


@contextmanager
def locked(open_store: OpenStore, *requests: int) -> Iterator[None]:
    with open_store().database.writing() as other:
        other.execute(text("SELECT id FROM requests WHERE id = ANY(:ids) FOR UPDATE"), {"ids": list(requests)})
        yield


def _notes(store: SqlStore, request_id: int) -> list[str | None]:
    return [event.reason for event in store.detail(request_id).events[1:]]


def test_only_who_needs_the_locked_row_waits_and_once_it_is_free_all_is_done_once(
    store: SqlStore, open_store: OpenStore
) -> None:
    held, free = submit(store), submit(store)
    with locked(open_store, held):
        first, other = in_one_batch(
            store, partial(store.change_soon, held, note("first")), partial(store.change_soon, free, note("other"))
        )
        assert other.result(LONG) == "other"
        second = store.change_soon(held, note("second"))
        assert store.change(free, note("on")) == "on"
        assert not first.done() and not second.done()
    assert (first.result(LONG), second.result(LONG)) == ("first", "second")
    assert _notes(store, held) == ["first", "second"]
    assert _notes(store, free) == ["other", "on"]


def test_steps_are_claimed_and_leases_renewed_meanwhile(store: SqlStore, open_store: OpenStore) -> None:
    held, free, worker = submit(store), submit(store), Worker()
    store.attach(worker.claimer)
    claims = {claim.step.request_id: claim for claim in worker.wait(2)}
    with locked(open_store, held):
        outcome = store.change_soon(held, succeeding(claims[held]))
        assert worker.succeed(store, claims[free])
        assert worker.wait(3, LONG)[2].step.request_id == free
        assert store.renew(worker.name, LONG) == 2
        assert not outcome.done()
    assert outcome.result(LONG) is True


def test_whoever_asked_hears_of_it_when_that_takes_too_long(
    store: SqlStore, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.set_aside.PATIENCE", 0.5)
    held = submit(store)
    with (
        locked(open_store, held),
        pytest.raises(StorageError, match="a transaction that was left open"),
    ):
        store.change_soon(held, note("never")).result(LONG)
    assert store.change(held, bump) == 1
    assert _notes(store, held) == []


def test_many_that_are_locked_hold_up_nobody(store: SqlStore, open_store: OpenStore) -> None:
    many, free = [submit(store) for _ in range(40)], submit(store)
    with locked(open_store, *many):
        changes = in_one_batch(store, *(partial(store.change_soon, each, bump) for each in many))
        for number in range(1, 6):
            assert store.change_soon(free, bump).result(LONG) == number
        assert not any(change.done() for change in changes)
    assert [change.result(LONG) for change in changes] == [1] * 40


def test_what_waits_for_a_lock_is_told_when_the_writer_ends(store: SqlStore, open_store: OpenStore) -> None:
    held, stopping = submit(store), open_store()
    with locked(open_store, held):
        change = stopping.change_soon(held, bump)
        stopping.close()
        with pytest.raises(StorageError, match="stopping"):
            change.result(0)
