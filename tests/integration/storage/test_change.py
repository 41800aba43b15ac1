from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from sqlalchemy import select, text, update

from engine.errors import AlreadyDone, IllegalChange, LeaseLost, NotFound, Refused, StorageError
from engine.graph import Graph
from engine.records import Event
from engine.rules.decide.lost import recover
from engine.rules.decide.send import send
from engine.rules.decide.versions import use_version
from engine.rules.draft import Draft
from engine.states import AttemptOutcome, RequestStatus, StepStatus
from engine.stored import TemplateValues
from storage.migrations import upgrade
from storage.store import SqlStore
from storage.tables import events, outbox, steps
from tests.integration.storage.conftest import OpenDatabase, OpenStore
from tests.integration.storage.helpers import GRAPH, Worker, bump, in_one_batch, line, note, submit, succeeding
from tests.support.poll import PATIENCE

REFUSING = {
    "sqlite": "CREATE TRIGGER full BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'full'); END",
    "postgresql": "ALTER TABLE outbox ADD CONSTRAINT is_full CHECK (false) NOT VALID",
}
TAKING = {"sqlite": "DROP TRIGGER full", "postgresql": "ALTER TABLE outbox DROP CONSTRAINT is_full"}


def test_a_change_is_committed_when_it_returns(store: SqlStore, open_store: OpenStore):
    request_id = submit(store)
    assert store.change(request_id, note("hello")) == "hello"
    assert open_store().detail(request_id).events[-1].reason == "hello"


def test_a_refused_change_tells_its_caller_and_writes_nothing(store: SqlStore):
    request_id = submit(store)
    before = store.detail(request_id)

    def decide(draft: Draft) -> None:
        draft.change_step("second", retries=7)
        draft.event("noted")
        raise Refused("Not now.")

    with pytest.raises(Refused, match="Not now"):
        store.change(request_id, decide)
    assert store.detail(request_id)._replace(at=before.at) == before


def test_a_change_that_is_not_legal_names_the_state_it_found_and_writes_nothing(store: SqlStore):
    request_id = submit(store)
    before = store.detail(request_id)

    def decide(draft: Draft) -> None:
        draft.change_step("second", retries=7)
        draft.change_step("first", status=StepStatus.BLOCKED)

    with pytest.raises(IllegalChange, match="Step first cannot go from ready to blocked"):
        store.change(request_id, decide)
    assert store.detail(request_id)._replace(at=before.at) == before


def test_changing_what_is_not_there_is_not_found(store: SqlStore):
    with pytest.raises(NotFound, match="REQ-404"):
        store.change(404, note("x"))


@pytest.mark.postgres
def test_a_step_that_another_process_changed_between_read_and_write_is_read_again(
    postgres_url: str, open_at: OpenDatabase
):
    """On SQLite the write lock leaves no room between the two."""
    database, other = open_at(postgres_url), open_at(postgres_url)
    upgrade(database)
    with closing(SqlStore(database, lambda name, version: GRAPH, lambda app: False)) as store:
        request_id = submit(store)
        seen: list[int] = []

        def decide(draft: Draft) -> None:
            seen.append(draft.steps["second"].version)
            if len(seen) <= 2:  # in the batch, and alone
                with other.writing() as connection:
                    connection.execute(
                        update(steps).where(steps.c.node == "second").values(version=steps.c.version + 1)
                    )
            draft.change_step("second", retries=1)

        store.change(request_id, decide)
        assert seen == [1, 2, 3]
        assert {step.node: step.version for step in store.status(request_id)[1]}["second"] == 4


def test_a_rule_sees_what_another_process_wrote_since(open_store: OpenStore):
    mine, other = open_store(), open_store()
    request_id = submit(mine)
    assert [store.change(request_id, bump) for store in (mine, mine, other, mine, other)] == [1, 2, 3, 4, 5]


def test_a_command_is_carried_out_once(open_store: OpenStore):
    stores = [open_store(), open_store()]
    request_id = submit(stores[0])

    def act(i: int) -> int | str | None:
        try:
            return stores[i % 2].change(request_id, note("act", "command-1"), "command-1")
        except AlreadyDone as done:
            return done.request_id

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(act, range(24)))
    assert answers.count("act") == 1
    assert answers.count(request_id) == 23
    assert [event.command_id for event in stores[0].detail(request_id).events] == [None, "command-1"]


def test_the_whole_of_an_attempt_is_stored(store: SqlStore):
    request_id = submit(store)
    worker = Worker()
    store.attach(worker.claimer)
    (claim,) = worker.wait()
    store.change(request_id, lambda draft: send(draft, "first", 1, "REQ-1/first/1/abc"))
    worker.succeed(store, claim, '{"id":7}')
    second = worker.wait(2)[1]
    worker.fail(store, second, "It broke.\0")
    detail = store.detail(request_id)
    one, two = detail.attempts
    assert one.start == claim.attempt
    assert one.idempotency_key == "REQ-1/first/1/abc"
    assert one.end is not None
    assert one.end.outcome is AttemptOutcome.SUCCEEDED
    assert two.end is not None
    assert (two.end.outcome, two.end.error) == (AttemptOutcome.FAILED, "It broke.\ufffd")
    assert {d.step.node: d.result for d in detail.steps} == {"first": '{"id":7}', "second": None, "end": None}
    assert detail.request.status is RequestStatus.BLOCKED
    assert store.template_values(request_id, ["first", "second"]) == TemplateValues(
        {"name": "Rae"},
        "rae@example.com",
        results={"first": {"id": 7}},
        errors={"second": "It broke.\ufffd"},
        issues={"first": 0, "second": 0},
    )


@pytest.mark.parametrize("at_once", [False, True])
def test_a_late_result_is_evidence_beside_the_end_that_stands(store: SqlStore, at_once: bool):
    request_id = submit(store)
    worker = Worker(slots=1)
    store.attach(worker.claimer)
    (claim,) = worker.wait()
    lost = partial(recover, node="first", attempt=1, jitter=0.0)
    if at_once:
        changes = [partial(store.change_soon, request_id, change) for change in (lost, succeeding(claim, "1"))]
        assert [future.result(PATIENCE) for future in in_one_batch(store, *changes)] == [True, False]
    else:
        assert [store.change(request_id, change) for change in (lost, succeeding(claim, "1"))] == [True, False]
    detail = store.detail(request_id)
    ended = detail.attempts[0].end
    assert ended is not None
    assert (ended.outcome, ended.late) == (AttemptOutcome.LOST, '{"outcome": "succeeded"}')
    assert next(d.result for d in detail.steps if d.step.node == "first") is None


def test_a_call_of_an_attempt_that_is_not_current_may_not_leave(store: SqlStore):
    request_id = submit(store)
    with pytest.raises(LeaseLost):
        store.change(request_id, lambda draft: send(draft, "first", 1, "key"))


def test_a_request_can_move_to_a_version_with_other_nodes(
    database_url: str, open_store: OpenStore, open_at: OpenDatabase
):
    request_id = submit(open_store())
    newer = line("first", "third")

    def graphs(name: str, version: int) -> Graph:
        return newer if version == 2 else GRAPH

    with closing(SqlStore(open_at(database_url), graphs, lambda app: True)) as store:
        store.change(request_id, lambda draft: use_version(draft, 2, newer))
        request, found = store.status(request_id)
        assert request.workflow_version == 2
        statuses = {step.node: step.status.value for step in found}
        assert statuses == {"first": "ready", "second": "cancelled", "third": "pending", "end": "pending"}


def test_notices_are_written_with_the_state_that_they_tell(store: SqlStore):
    request_id = submit(store)
    worker = Worker()
    store.attach(worker.claimer)
    worker.fail(store, worker.wait()[0])
    with store.database.reading() as connection:
        kinds = connection.scalars(select(outbox.c.kind).where(outbox.c.request_id == request_id).order_by(outbox.c.id))
        assert list(kinds)[:2] == ["card", "line"]


def test_what_could_not_be_told_has_not_happened(store: SqlStore):
    """The outbox is written in the transaction of the state (SPEC 7): a row that it does not take undoes all of it."""
    request_id = submit(store)
    worker = Worker()
    store.attach(worker.claimer)
    (claim,) = worker.wait()
    before = store.detail(request_id)
    with store.database.writing() as connection:
        connection.execute(text(REFUSING[connection.dialect.name]))
    with pytest.raises(StorageError):
        worker.fail(store, claim)
    assert store.detail(request_id)._replace(at=before.at) == before

    with store.database.writing() as connection:
        connection.execute(text(TAKING[connection.dialect.name]))
    assert worker.fail(store, claim)
    assert store.status(request_id)[0].status is RequestStatus.BLOCKED


def test_a_recorded_event_has_the_database_s_time(store: SqlStore):
    right = time.time()
    with time_machine.travel(timedelta(hours=1)):  # this machine's is wrong
        store.record(Event(None, "refused", 0.0, by="Mallory", data={"why": "no grant"}))
    with store.database.reading() as connection:
        at, data = connection.execute(select(events.c.at, events.c.data).where(events.c.kind == "refused")).one()
    assert at == pytest.approx(right, abs=30)
    assert data == '{"why":"no grant"}'


def test_status_and_pending_steps_survive_the_round_trip(store: SqlStore):
    request_id = submit(store)

    def decide(draft: Draft) -> None:
        draft.change_step("first", held=True, stale=True, was=StepStatus.FAILED, key_salt=2, repeat="k")

    store.change(request_id, decide)
    first = next(step for step in store.status(request_id)[1] if step.node == "first")
    assert (first.held, first.stale, first.only, first.was, first.key_salt, first.repeat) == (
        True,
        True,
        False,
        StepStatus.FAILED,
        2,
        "k",
    )
