"""A hand has emptied what moves a step: the hourly look gives it back, and touches nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from engine import events as names
from engine.rules.decide.finish import Finished, finish
from engine.rules.decide.lost import unstick
from engine.rules.draft import Draft
from engine.rules.outcomes import Failure, Waits
from engine.states import RequestStatus, StepStatus
from storage.leases import NOBODY
from storage.store import SqlStore
from storage.tables import events, steps
from tests.integration.storage.helpers import Worker

LATER = 3600.0


def row(store: SqlStore, node: str = "first", number: int = 1) -> Any:
    with store.database.reading() as connection:
        found = connection.execute(select(steps).where(steps.c.request_id == number, steps.c.node == node))
        return found.one()


def hand(store: SqlStore, node: str = "first", **values: Any) -> None:
    """In the first request's row."""
    mine = update(steps).where(steps.c.request_id == 1, steps.c.node == node).values(**values)
    store.writer.write(lambda connection, moment: connection.execute(mine))


def retry_later(draft: Draft) -> None:
    finish(draft, Finished("first", 1, Failure("It broke."), retry_in=LATER))


def wait(draft: Draft) -> None:
    finish(draft, Finished("first", 1, Waits(seconds=LATER)))


def give_back(draft: Draft) -> None:
    draft.change_step("first", status=StepStatus.READY, due_at=draft.now, worker=None, lease_until=None)


@pytest.mark.parametrize("leave", [give_back, retry_later])
def test_what_has_no_time_any_more_is_due(store: SqlStore, worker: Worker, leave: Any):
    store.change(1, leave)
    hand(store, due_at=None)
    assert store.next_due() is None
    assert (store.mend(), store.mend()) == (1, 0)
    assert store.next_due() == 0


def test_a_delay_is_over_when_its_history_says_so(store: SqlStore, worker: Worker):
    hand(store, kind="delay")
    store.change(1, wait)
    until = row(store).wakes_at
    hand(store, wakes_at=None)
    assert store.mend() == 1
    assert row(store).wakes_at == until


@pytest.mark.parametrize("data", ["{", "7", "{}", '{"until": "soon"}'])
def test_a_delay_whose_history_was_damaged_too_begins_again(store: SqlStore, worker: Worker, data: str):
    hand(store, kind="delay")
    store.change(1, wait)
    hand(store, wakes_at=None)
    with store.database.writing() as connection:
        connection.execute(update(events).where(events.c.kind == names.WAITS).values(data=data))
    assert store.mend() == 1
    assert row(store).due_at is not None


@pytest.mark.parametrize("kind", ["approval", "callback"])
def test_what_somebody_may_still_answer_is_left_alone(store: SqlStore, worker: Worker, kind: str):
    hand(store, kind=kind)
    store.change(1, wait)
    hand(store, wakes_at=None)
    assert store.mend() == 0


@pytest.mark.parametrize("emptied", [["worker"], ["lease_until"], ["worker", "lease_until"]])
def test_what_runs_and_is_held_by_nobody_is_lost(store: SqlStore, worker: Worker, emptied: list[str]):
    nothing: dict[str, Any] = dict.fromkeys(emptied)
    hand(store, **nothing)
    assert store.mend() == 1
    lost = store.orphaned("w1") if "worker" in emptied else store.expired()
    assert lost == [(1, "first", 1)]


def test_what_runs_inside_a_sync_block_has_no_holder_but_the_block(store: SqlStore, worker: Worker):
    hand(store, kind="sync")
    hand(store, node="second", status="running")
    assert store.mend() == 0
    hand(store, worker=None, lease_until=None)
    assert store.mend() == 1
    assert (row(store).worker, row(store, "second").worker) == (NOBODY, None)


def test_a_request_that_is_blocked_has_steps_that_move_and_one_that_is_over_has_none(store: SqlStore, worker: Worker):
    store.change(1, lambda draft: draft.change_request(RequestStatus.BLOCKED, "another step"))
    hand(store, worker=None)
    assert store.mend() == 1
    store.change(1, lambda draft: draft.change_request(RequestStatus.WITHDRAWN, None))
    hand(store, worker=None)
    assert store.mend() == 0


def test_nothing_is_mended_where_nothing_is_broken(store: SqlStore, worker: Worker):
    store.change(1, retry_later)
    store.change(2, lambda draft: draft.change_step("first", status=StepStatus.PENDING, worker=None, lease_until=None))
    store.change(2, unstick)
    before = row(store), row(store, number=2)
    assert store.mend() == 0
    assert (row(store), row(store, number=2)) == before
