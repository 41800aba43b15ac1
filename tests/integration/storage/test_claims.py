from __future__ import annotations

import threading

import pytest
from sqlalchemy import update

from engine.limits import ALONE_FROM_RECOVERY
from engine.rules.draft import Draft
from engine.states import AttemptKind, StepStatus
from storage import claims, leases
from storage.database import open_database
from storage.migrations import upgrade
from storage.store import SqlStore
from storage.tables import DUE, steps
from tests.integration.storage.conftest import OpenStore
from tests.integration.storage.helpers import GRAPH, Worker, note, submit, succeeding
from tests.support.poll import wait_until


def test_a_claimed_step_is_running_with_its_attempt_before_the_worker_has_it(store: SqlStore, open_store: OpenStore):
    request_id = submit(store)
    worker = Worker()
    store.attach(worker.claimer)
    (claim,) = worker.wait()
    assert claim.workflow == "w"
    assert (claim.step.status, claim.step.attempt, claim.step.worker) == (StepStatus.RUNNING, 1, "w1")
    other = open_store()
    assert claim.step in other.status(request_id)[1]
    assert other.detail(request_id).attempts[0].start == claim.attempt
    assert claim.attempt.kind is AttemptKind.INITIAL
    assert other.running("w1") == [(request_id, "first", 1)]
    assert claim.step.lease_until == pytest.approx(claim.attempt.started_at + 5.0)


def test_the_next_step_is_claimed_in_the_transaction_that_finishes_the_one_before(store: SqlStore):
    submit(store)
    worker = Worker()
    store.attach(worker.claimer)
    worker.succeed(store, worker.wait()[0])
    first, second = worker.wait(2)
    assert second.step.node == "second"
    detail = store.detail(first.step.request_id)
    assert detail.attempts[0].end is not None
    assert detail.attempts[0].end.ended_at == second.attempt.started_at


def test_no_more_is_claimed_than_there_are_free_slots(store: SqlStore):
    for _ in range(5):
        submit(store)
    worker = Worker(slots=2)
    store.attach(worker.claimer)
    assert len(worker.wait(2)) == 2
    store.change(1, note("a commit"))
    assert len(worker.claims) == 2
    worker.succeed(store, worker.claims[0])
    assert len(worker.wait(3)) == 3


def test_a_slot_goes_on_with_its_request_though_another_is_due(store: SqlStore):
    begun, waiting = submit(store), submit(store)
    worker = Worker(slots=1)
    store.attach(worker.claimer)
    worker.succeed(store, worker.wait()[0])
    assert [(it.step.request_id, it.step.node) for it in worker.wait(2)] == [(begun, "first"), (begun, "second")]
    worker.succeed(store, worker.claims[1])
    assert worker.wait(3)[2].step.request_id == waiting


def test_what_has_waited_for_long_comes_before_the_next_step_of_another_request(store: SqlStore):
    begun, waiting = submit(store), submit(store)
    store.change(waiting, lambda draft: draft.change_step("first", due_at=draft.now - 60))
    worker = Worker(slots=1)
    store.change(begun, lambda draft: draft.change_step("first", due_at=draft.now - 90))
    store.attach(worker.claimer)
    worker.succeed(store, worker.wait()[0])
    assert worker.wait(2)[1].step.request_id == waiting
    worker.succeed(store, worker.claims[1])
    assert {it.step.node for it in worker.wait(3)[2:]} == {"second"}


def test_what_is_due_first_is_claimed_first(store: SqlStore):
    ids = [submit(store) for _ in range(3)]
    store.change(ids[2], lambda draft: draft.change_step("first", due_at=draft.now - 60))
    store.change(ids[0], lambda draft: draft.change_step("first", due_at=draft.now + 3600.0))
    worker = Worker()
    store.attach(worker.claimer)
    assert [claim.step.request_id for claim in worker.wait(2)] == [ids[2], ids[1]]
    due = store.next_due()
    assert due is not None
    assert 0 < due <= 3600.0
    store.change(ids[0], lambda draft: draft.change_step("first", due_at=draft.now))
    assert worker.wait(3)[2].step.request_id == ids[0]


def test_nothing_is_claimed_after_detach(store: SqlStore):
    worker = Worker()
    store.attach(worker.claimer)
    store.detach()
    request_id = submit(store)
    store.nudge()
    store.change(request_id, note("a commit"))
    assert worker.claims == []


def test_what_another_process_wrote_is_noticed(open_store: OpenStore):
    engine, door = open_store(), open_store()
    worker = Worker()
    engine.attach(worker.claimer)
    engine.change(submit(engine), note("so that the engine is past its first look"))
    worker.wait(1)
    request_id = submit(door)
    assert worker.wait(2)[1].step.request_id == request_id


@pytest.mark.postgres
def test_two_workers_on_postgres_never_claim_the_same_step(postgres_url: str, request: pytest.FixtureRequest):
    stores = _stores(postgres_url, request, 3)
    workers = [Worker(f"w{i}", slots=1000) for i in range(3)]
    for store, worker in zip(stores, workers, strict=True):
        store.attach(worker.claimer)
    threads = [threading.Thread(target=lambda s=store: [submit(s) for _ in range(40)]) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: sum(len(worker.claims) for worker in workers) >= 120, "all claims")
    claimed = [claim.step.request_id for worker in workers for claim in worker.claims]
    assert sorted(claimed) == list(range(1, 121))


def _stores(url: str, request: pytest.FixtureRequest, number: int) -> list[SqlStore]:
    stores = [SqlStore(open_database(url), lambda name, version: GRAPH, lambda app: False) for _ in range(number)]
    upgrade(stores[0].database)
    for store in stores:
        request.addfinalizer(store.database.close)
        request.addfinalizer(store.close)
    return stores


def killer(draft: Draft) -> None:
    """The step has killed its worker before: it runs alone from now on."""
    draft.change_step("first", recoveries=ALONE_FROM_RECOVERY)


def test_a_step_that_runs_alone_waits_until_the_worker_is_empty_and_keeps_others_out(store: SqlStore):
    worker = Worker()
    submit(store)
    store.attach(worker.claimer)
    busy = worker.wait()[0]
    store.detach()
    alone, other = submit(store), submit(store)
    store.change(alone, killer)
    store.attach(worker.claimer)
    store.change(other, note("a commit with free slots"))
    assert len(worker.claims) == 1  # the worker drains
    worker.succeed(store, busy)
    assert worker.wait(2)[1].step.request_id == alone
    store.change(other, note("a commit with free slots"))
    assert len(worker.claims) == 2  # nothing beside it
    worker.succeed(store, worker.claims[1])
    assert {claim.step.request_id for claim in worker.wait(5)[2:]} == {busy.step.request_id, alone, other}


def test_a_step_that_runs_alone_waits_for_outcomes_that_are_not_stored_yet(store: SqlStore):
    """The worker has nothing to do any more, but what it did is still on its way: a death now would cost it."""
    worker = Worker()
    submit(store)
    store.attach(worker.claimer)
    done = worker.wait()[0]
    store.detach()
    worker.busy = 0
    alone = submit(store)
    store.change(alone, killer)
    store.attach(worker.claimer)
    store.change(alone, note("a commit with an idle worker"))
    assert worker.claims == [done]
    store.change(done.step.request_id, succeeding(done))
    assert worker.wait(2)[1].step.request_id == alone


@pytest.mark.parametrize("recoveries", [0, ALONE_FROM_RECOVERY])
def test_steps_that_only_a_newer_version_understands_keep_nobody_else(
    store: SqlStore, recoveries: int, monkeypatch: pytest.MonkeyPatch
):
    for each in (claims, leases):
        monkeypatch.setattr(each, "LEFT_ALONE", 600.0)
    for _ in range(3):
        submit(store)
    with store.database.writing() as connection:
        tomorrow = update(steps).where(DUE).values(next_kind="of tomorrow", recoveries=recoveries)
        connection.execute(tomorrow)
    worker = Worker(slots=1)
    store.attach(worker.claimer)
    good = submit(store)
    wait_until(lambda: took(store, worker), "the step behind them")
    assert [claim.step.request_id for claim in worker.claims] == [good]
    with store.database.writing() as connection:
        connection.execute(update(steps).where(steps.c.due_at.is_not(None)).values(next_kind="initial", recoveries=0))
    worker.succeed(store, worker.claims[0])
    assert store.bring_forward() == 0
    due = store.next_due()
    assert due is not None
    assert 0 < due <= 600.0  # then they are tried again


def took(store: SqlStore, worker: Worker) -> bool:
    store.nudge()
    return bool(worker.claims)
