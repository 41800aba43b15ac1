"""A job for whatever is left due, in the transaction that leaves it so (SPEC 9)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

import pytest

from engine.rules.decide.finish import Finished, finish
from engine.rules.draft import Draft
from engine.rules.outcomes import Failure
from engine.states import StepStatus
from retrigger import distributed
from storage.database import open_database
from storage.migrations import upgrade
from storage.store import SqlStore
from tests.integration.storage.helpers import GRAPH, Worker, bump, submit, succeeding
from tests.support.poll import wait_until

pytestmark = pytest.mark.postgres
_JOBS = "SELECT queueing_lock, args ->> 'request', scheduled_at IS NOT NULL FROM procrastinate_jobs ORDER BY id"


@pytest.fixture
def store(postgres_url: str) -> Iterator[SqlStore]:
    with ExitStack() as opened:
        store = _store(postgres_url, opened)
        upgrade(store.database)
        distributed.upgrade_tables(store.database)
        yield store


def _store(url: str, opened: ExitStack) -> SqlStore:
    graphs, told = (lambda name, version: GRAPH), (lambda app: False)
    database = opened.enter_context(closing(open_database(url)))
    return opened.enter_context(closing(SqlStore(database, graphs, told, jobs=distributed.new_jobs())))


def _jobs(store: SqlStore) -> list[tuple[Any, ...]]:
    with store.database.reading() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(_JOBS)]


def _forget_jobs(store: SqlStore) -> None:
    store.writer.write(lambda connection, now: connection.exec_driver_sql("DELETE FROM procrastinate_jobs"))


def _grow_old(store: SqlStore) -> None:
    """What is due has been so for a while."""
    sql = "UPDATE steps SET due_at = due_at - 10 WHERE due_at IS NOT NULL"
    store.writer.write(lambda connection, now: connection.exec_driver_sql(sql))


def _with_slots(worker: Worker, opened: int) -> Any:
    """The worker, for which jobs have opened so many slots."""
    left = [opened]

    def take(claims: Any, looked: int) -> None:
        left[0] -= looked
        worker.claimer.take(claims, looked)

    return worker.claimer._replace(waiting=lambda: left[0], take=take)


def test_a_new_request_brings_a_job(store: SqlStore):
    request_id = submit(store)
    assert _jobs(store) == [(f"{request_id}/first/1", str(request_id), False)]


def test_what_is_refused_brings_none(store: SqlStore):
    request_id = submit(store)

    def refuse(draft: Draft) -> None:
        draft.change_step("second", status=StepStatus.READY, due_at=draft.now)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.change(request_id, refuse)
    assert len(_jobs(store)) == 1


def test_a_wait_brings_one_for_its_end(store: SqlStore):
    request_id = submit(store)
    store.change(request_id, lambda draft: draft.change_step("first", due_at=draft.now + 60))
    assert _jobs(store)[1:] == [(f"{request_id}/first/2", str(request_id), True)]


def test_a_change_that_leaves_nothing_due_brings_none(store: SqlStore):
    request_id = submit(store)
    store.change(request_id, bump)
    assert len(_jobs(store)) == 1


def test_a_worker_takes_as_much_as_jobs_have_opened_slots_for(store: SqlStore):
    first, second = submit(store), submit(store)
    worker = Worker()
    store.attach(_with_slots(worker, 1))
    assert [claim.step.request_id for claim in worker.wait()] == [first], "what has been due for longest"
    store.nudge()
    store.detach()
    assert len(worker.claims) == 1
    assert [lock for lock, *_ in _jobs(store)] == [f"{second}/first/1"], "what is taken needs no job"


def test_a_slot_goes_on_with_its_request_and_needs_no_job_for_it(store: SqlStore):
    request_id = submit(store)
    worker = Worker()
    store.attach(_with_slots(worker, 1))
    (claim,) = worker.wait()
    submit(store)
    store.change_then(request_id, succeeding(claim), lambda answer, error: None)
    assert [it.step.node for it in worker.wait(2)] == ["first", "second"]
    assert len(_jobs(store)) == 1


def test_a_slot_whose_request_is_done_goes_on_with_another(store: SqlStore):
    request_id = submit(store)
    worker = Worker()
    store.attach(_with_slots(worker, 1))
    (claim,) = worker.wait()
    other = submit(store)
    done = Finished("first", claim.attempt.number, Failure("It broke."))
    store.change_then(request_id, partial(finish, done=done), lambda answer, error: None)
    assert worker.wait(2)[1].step.request_id == other and not _jobs(store)


def test_what_another_change_makes_due_is_for_a_job(store: SqlStore):
    request_id = submit(store)
    worker = Worker()
    store.attach(_with_slots(worker, 1))
    (claim,) = worker.wait()
    assert store.change(request_id, succeeding(claim))
    assert len(worker.claims) == 1
    assert [lock for lock, *_ in _jobs(store)] == [f"{request_id}/second/2"]


def test_the_sweep_makes_jobs_for_what_has_none(store: SqlStore):
    numbers = [submit(store) for _ in range(3)]
    _forget_jobs(store)
    assert store.requeue() == 0, "it has just become due: a worker may be taking it"
    _grow_old(store)
    assert (store.requeue(), store.requeue()) == (3, 0)
    assert sorted(int(row[1]) for row in _jobs(store)) == numbers


def test_sweeps_that_find_the_same_make_each_job_once(store: SqlStore, postgres_url: str):
    for _ in range(20):
        submit(store)
    _forget_jobs(store)
    _grow_old(store)
    with ExitStack() as opened, ThreadPoolExecutor(4) as pool:
        others = [_store(postgres_url, opened) for _ in range(3)]
        assert sum(pool.map(lambda it: it.requeue(), [store, *others])) == 20
    assert len(_jobs(store)) == 20


def test_a_step_that_must_run_alone_is_found_too(store: SqlStore):
    request_id = submit(store)
    store.change(request_id, lambda draft: draft.change_step("first", recoveries=2))
    _forget_jobs(store)
    _grow_old(store)
    assert store.requeue() == 1
    worker = Worker()
    store.attach(_with_slots(worker, 0))
    wait_until(lambda: bool(worker.claims))
    assert worker.claims[0].step.request_id == request_id, "whoever has nothing else to do takes it"
