from __future__ import annotations

import pytest
from sqlalchemy import update

from engine.limits import ALONE_FROM_RECOVERY
from engine.rules.decide.lost import unstick
from engine.rules.draft import Draft
from engine.states import RequestStatus, StepStatus
from engine.stored import Wait
from storage import leases
from storage.store import SqlStore
from storage.tables import steps
from tests.integration.storage.conftest import OpenStore
from tests.integration.storage.helpers import Worker, submit
from tests.support.poll import wait_until


def test_leases_are_renewed_from_the_database_s_clock_without_a_new_version(store: SqlStore, worker: Worker):
    before = worker.claims[0].step
    assert before.lease_until is not None
    assert store.renew("w1", 60.0) == 2
    after = next(step for step in store.status(1)[1] if step.node == "first")
    assert after.version == before.version
    assert after.lease_until is not None
    assert after.lease_until > before.lease_until + 50
    assert store.renew("somebody else", 60.0) == 0


def test_a_change_of_a_step_leaves_the_lease_that_was_renewed_meanwhile(
    store: SqlStore, open_store: OpenStore, worker: Worker
):
    if store.database.is_sqlite:
        pytest.skip("On SQLite nobody else writes meanwhile")
    step, other = worker.claims[0].step, open_store()

    def leave(draft: Draft) -> None:
        assert other.renew(worker.name, 3600.0) == 2
        draft.change_step(step.node, sent_key="k")

    store.change(step.request_id, leave)
    after = next(each for each in store.status(step.request_id)[1] if each.node == step.node)
    assert after.sent_key == "k"
    assert step.lease_until is not None
    assert after.lease_until is not None
    assert after.lease_until > step.lease_until + 1800


def test_only_the_attempt_that_is_meant_is_let_go_of(store: SqlStore, worker: Worker):
    """The step may have been taken over meanwhile: the new attempt has its own holder."""
    step = worker.claims[0].step
    running = store.running(worker.name)
    store.disown(step.request_id, step.node, step.attempt + 1)
    store.writer.write(lambda connection, moment: None)  # behind it
    assert store.running(worker.name) == running
    store.disown(step.request_id, step.node, step.attempt)
    wait_until(lambda: len(store.running(worker.name)) == 1, "the attempt to be nobody's")


def test_what_runs_under_a_lease_that_ran_out_is_lost(store: SqlStore, worker: Worker):
    assert store.expired() == []
    store.renew("w1", 0.0)
    wait_until(lambda: store.expired() == [(1, "first", 1), (2, "first", 1)])


def test_what_an_older_boot_left_running_is_lost_at_once_and_the_living_one_is_left_alone(
    store: SqlStore, worker: Worker
):
    assert store.orphaned("w1") == []
    assert store.orphaned("w2") == [(1, "first", 1), (2, "first", 1)]


def lose(draft: Draft) -> None:
    """A wake-up that was lost."""
    draft.change_step("first", status=StepStatus.PENDING, worker=None, lease_until=None)


def wait_for_somebody(draft: Draft) -> None:
    """As an approval without a time-out."""
    draft.change_step("first", status=StepStatus.WAITING, worker=None, lease_until=None, due_at=None)


@pytest.mark.parametrize("thorough", [False, True])
def test_a_request_in_progress_that_nothing_moves_is_stuck_until_it_moves_again(
    store: SqlStore, worker: Worker, thorough: bool
):
    assert store.stuck(thorough) == []
    store.change(2, lose)
    assert store.stuck(thorough) == [2]
    store.change(2, lambda draft: draft.change_step("first", status=StepStatus.READY, due_at=draft.now))
    assert store.stuck(thorough) == []


@pytest.mark.parametrize("thorough", [False, True])
def test_a_request_that_waits_for_a_person_or_was_blocked_is_not_stuck(store: SqlStore, worker: Worker, thorough: bool):
    store.change(1, wait_for_somebody)
    store.change(2, lose)
    store.change(2, unstick)
    assert store.status(2)[0].status is RequestStatus.BLOCKED
    assert store.stuck(thorough) == []


def test_the_thorough_sweep_believes_the_steps_alone_whoever_wrote_them(store: SqlStore, worker: Worker):
    store.writer.write(lambda connection, now: connection.execute(update(steps).values(status="pending")))
    assert store.stuck() == []
    assert store.stuck(thorough=True) == [1, 2]


def test_engines_are_alive_while_they_renew_their_presence(store: SqlStore):
    assert store.workers_alive() == 0
    store.present("w1", 60.0)
    store.present("w1", 60.0)
    store.present("w2", 0.02)
    wait_until(lambda: store.workers_alive() == 1)
    store.present("w1", 0)
    assert store.workers_alive() == 0


def test_waits_for_the_same_moment_are_all_found_however_few_are_looked_at_at_once(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
):
    """Those that cannot be ended are found again at each round: the others must not stay behind them for ever."""
    monkeypatch.setattr(leases, "_PAGE", 2)
    numbers = [submit(store) for _ in range(3)]
    for number in numbers:
        store.change(number, wait_until_noon)
    found: list[tuple[int, str, int]] = []
    rest: Wait | None = None
    while not found or rest is not None:
        page, rest = store.waking(rest)
        found += page
    assert sorted(found) == [(number, node, 0) for number in numbers for node in ("first", "second")]


def wait_until_noon(draft: Draft) -> None:
    for node in ("first", "second"):
        for status in (StepStatus.READY, StepStatus.RUNNING, StepStatus.WAITING):
            draft.change_step(node, status=status)
        draft.change_step(node, due_at=None, wakes_at=12 * 3600.0)


def test_what_is_to_run_alone_is_what_is_due_next_too(store: SqlStore):
    request_id = submit(store)
    store.change(request_id, lambda draft: draft.change_step("first", recoveries=ALONE_FROM_RECOVERY))
    assert store.next_due() == 0.0
