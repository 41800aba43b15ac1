"""No statement that really runs reads a table from end to end: it would be slow only years later.

The databases hold 10,000 requests and 50,000 steps, and PostgreSQL has counted them (ANALYZE). Its planner keeps all
its means, sequential scans too: that it looks things up by an index is its own choice, as on a database of millions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any, cast

import pytest

from benchmarks.filled import APPS, SOMEONE, Open, fill, open_on, worker_on
from engine.causes.bulk import Bulk
from engine.causes.port import Bulks, Causes
from engine.causes.records import RunState
from engine.causes.runner import BulkRunner
from engine.commands.service import Engine
from engine.errors import UnreadableVersion
from engine.limits import CAUSE_REQUESTS
from engine.ports.outbox import CARD, Outbox, Posted
from engine.ports.store import Store
from engine.records import Event
from engine.rules.allowed import Action
from engine.rules.decide.finish import Finished, finish
from engine.rules.decide.lost import give_back, recover, unstick
from engine.rules.outcomes import Success
from engine.rules.permissions import Grant, Permission
from engine.states import RequestStatus, StepStatus
from engine.stored import BlockedFilter, Cursor, RequestFilter, Wait
from storage.bulks import SqlBulks
from storage.causes import SqlCauses
from storage.database import open_database
from tests.integration.storage.helpers import Worker
from tests.support.plans import Watch, scans
from tests.support.poll import wait_until

NUMBER = 10_000
BLOCKED = RequestStatus.BLOCKED
# Statements that read a whole table and are right to: how they begin, and why.
WHOLE = {
    "SELECT DISTINCT": "doctor looks for the versions of open requests, and with --audit for rows that belong to none"
}


@pytest.fixture
def site(database_url: str) -> Iterator[Open]:
    with closing(open_on(open_database(database_url))) as site:
        fill(site, NUMBER)
        yield site


class Called:
    """Remembers which methods of a port were asked for."""

    def __init__(self, port: object) -> None:
        self._port, self.names = port, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.names.add(name)
        return getattr(self._port, name)


def test_nothing_that_runs_in_the_life_of_requests_reads_a_whole_table(site: Open):
    watch = Watch(site.database.engine)
    store, outbox = Called(site.store), Called(site.outbox)
    engine = Engine(cast(Store, store), site.catalog)
    people_act(engine, cast(Store, store), site)
    workers_die(engine, cast(Store, store))
    people_look(engine, cast(Store, store))
    the_relay_tells(cast(Outbox, outbox))
    causes, bulks = Called(SqlCauses(site.store)), Called(SqlBulks(site.store))
    many_are_blocked(engine, cast(Causes, causes), cast(Bulks, bulks), site)

    with site.database.reading() as connection:
        growing = watch.growing(connection)
    found = [f"{parts}: {sql}" for sql, parts in growing.items() if not sql.startswith(tuple(WHOLE))]
    assert not found, "\n\n".join(found)
    assert methods(Store) - store.names == set()  # so that what is added is watched, too
    assert methods(Outbox) - outbox.names == set()
    assert methods(Causes) - causes.names == set()
    assert methods(Bulks) - bulks.names == set()


def methods(port: type) -> set[str]:
    return {name for name in vars(port) if not name.startswith("_")}


def people_act(engine: Engine, store: Store, site: Open) -> None:
    worker = worker_on(store, site.catalog)
    worker.start()

    def submit(kind: str, status: RequestStatus, key: str | None = None) -> int:
        number, _ = engine.submit(SOMEONE, f"hr_{kind}", {"number": 1}, key=key)
        wait_until(lambda: store.status(number)[0].status is status, f"REQ-{number} {status}")
        return number

    submit("done", RequestStatus.COMPLETED, "a key")
    submit("done", RequestStatus.COMPLETED, "a key")
    blocked = submit("blocked", BLOCKED)
    for _ in range(2):
        engine.plan(SOMEONE, blocked, Action.FLOW, "order")
        engine.retrigger(SOMEONE, blocked, "order", flow=True, command_id="a command")
        wait_until(lambda: store.status(blocked)[0].status is BLOCKED, "blocked again")
    engine.look(SOMEONE, blocked)
    engine.input_draft(SOMEONE, blocked, "order")
    engine.provide_input(SOMEONE, blocked, "order", '{"id": 1}')
    wait_until(lambda: store.status(blocked)[0].status is RequestStatus.COMPLETED, "the rest of the flow")
    stuck, _ = engine.submit(SOMEONE, "hr_long", {"number": 1})
    wait_until(lambda: step(store, stuck, "order").status is StepStatus.WAITING, "a retry that is far away")
    store.change(stuck, lambda draft: draft.change_step("order", status=StepStatus.PENDING, due_at=None))
    assert store.stuck() == store.stuck(thorough=True) == [stuck]
    store.change(stuck, unstick)
    engine.continue_flow(SOMEONE, stuck)
    engine.withdraw(SOMEONE, stuck, reason="Ordered twice.")
    worker.stop()


def step(store: Store, number: int, node: str) -> Any:
    return next(step for step in store.status(number)[1] if step.node == node)


def workers_die(engine: Engine, store: Store) -> None:
    """Of a dying worker's steps one is given back, one comes late, and one is recovered until it runs alone."""
    given_back, late, deadly = (engine.submit(SOMEONE, "hr_done", {"number": 1})[0] for _ in range(3))
    worker = Worker("dying", slots=3)
    store.attach(worker.claimer)
    worker.wait(3)
    store.present("dying", 30.0)
    assert store.renew("dying", 30.0) == len(store.running("dying")) == len(store.orphaned("living")) == 3
    assert store.expired() == store.waking().steps == store.waking(Wait(1.0, 1, "check")).steps == []
    assert store.bring_forward() == 0
    assert store.requeue() == 0  # without jobs it asks nothing
    store.change(given_back, partial(give_back, node="check", attempt=1))
    store.change(late, partial(recover, node="check", attempt=1, jitter=0.0))
    done = partial(finish, done=Finished("check", 1, Success("null")))
    assert not store.change_soon(late, done).result()
    for number in (given_back, late):
        engine.withdraw(SOMEONE, number, reason="Over.")
    for attempt in (1, 2):
        store.change(deadly, partial(recover, node="check", attempt=attempt, jitter=0.0))
        assert store.next_due() is not None
        worker.busy = 0
        wait_until(partial(claimed, store, worker, 3 + attempt), "another claim")
    assert worker.claims[-1].step.recoveries == 2
    store.disown(deadly, "check", 3)
    store.tell_standing_still(deadly, UnreadableVersion("hr_done", 1))
    wait_until(lambda: store.orphaned("dying") == store.expired() != [], "the step to be nobody's")
    store.detach()
    store.present("dying", 0)


def claimed(store: Store, worker: Worker, number: int) -> bool:
    store.nudge()
    return len(worker.claims) >= number


def people_look(engine: Engine, store: Store) -> None:
    for status in (BLOCKED, None):
        for apps in (None, frozenset({"HR"}), frozenset(APPS)):
            for after, oldest_first in ((None, True), (NUMBER // 2, True), (NUMBER // 2, False), (None, False)):
                assert store.requests(RequestFilter(status, apps, after, 20, oldest_first))
    for apps in (None, frozenset({"HR"}), frozenset(APPS)):
        (*_, last) = store.blocked(BlockedFilter(apps, limit=20))
        next_one = Cursor(last.request.blocked_at or 0.0, last.request.id)
        for cursor in (None, next_one, next_one._replace(backwards=True)):
            assert store.blocked(BlockedFilter(apps, 1.0, cursor, 20))
    store.apps()
    engine.document(SOMEONE, NUMBER)
    engine.counts(SOMEONE)
    store.measures()
    store.workers_alive()
    store.installation_secret()
    store.keep("a name", "a value")
    store.keep("a name", "another value")
    store.kept("a name")
    store.command("a command")
    store.submitted("hr_done", "a key")
    store.template_values(NUMBER, ["check", "book"])
    store.record(Event(NUMBER, "refused", 0.0))
    store.nudge()
    store.histories(NUMBER // 2, 20)
    store.history(NUMBER)
    store.strays(1)
    store.mend()
    list(store.contents({NUMBER: ["check", "book"]}))
    store.workflow("hr_done", 1)
    store.workflows()
    store.versions_in_use()
    store.publish("hr_done", "HR", {"workflow": "hr_done"}, "another digest", Event(None, "published", 0.0))
    vera = Grant("vera@example.com", Permission.VIEW_REPORTS)
    engine.grant(SOMEONE, vera)
    engine.revoke(SOMEONE, vera)
    engine.caller(engine.create_key(SOMEONE, "a-key"))
    engine.keys(SOMEONE)
    engine.revoke_key(SOMEONE, "a-key")


def the_relay_tells(outbox: Outbox) -> None:
    number, _ = outbox.waiting()
    assert number > 3
    later, dropped = outbox.due(2, 60.0)
    outbox.later(later, 60.0, "Slack is away.", unsent=[later.id])
    outbox.behind(dropped, 20)
    outbox.sending(dropped, [], 7.0)
    outbox.drop(dropped.id, "There is no such channel.")
    (told, *_) = outbox.due(5, 60.0)
    assert outbox.posted(told.request_id) == {}
    outbox.remember(Posted(told.request_id, CARD, "T1", "C1", "1700000000.1", "a digest"))
    outbox.remember(Posted(told.request_id, CARD, "T1", "C1", "1700000000.1", "another digest"))
    outbox.done([told.id])
    assert outbox.backlog().given_up == 1


def many_are_blocked(engine: Engine, causes: Causes, bulks: Bulks, site: Open) -> None:
    """Beside the many of months ago: they are told together, and re-triggered together."""
    worker = worker_on(site.store, site.catalog)
    worker.start()
    made = [engine.submit(SOMEONE, "hr_blocked", {"number": place})[0] for place in range(CAUSE_REQUESTS)]
    for number in made:
        wait_until(partial(is_blocked, site.store, number), "blocked")
    common = causes.common(made[0], ["order"])
    assert common is not None
    cause_id = causes.join(made[0], common, "It is away.")
    assert causes.common(made[0], ["order"]) == common._replace(cause_id=cause_id)
    assert causes.joined(made[0])
    causes.touch(made[0])
    causes.cause(cause_id)
    assert causes.standing(cause_id).count() >= CAUSE_REQUESTS
    bulk, runner = Bulk(engine, bulks), BulkRunner(engine, bulks, "w1")
    run = bulk.begin(SOMEONE, bulk.preview(SOMEONE, cause_id).run.id, flow=True, rate=300, reason="Why not?")
    latest = causes.latest_run(cause_id)
    assert latest is not None
    assert latest.id == run.id
    assert len(causes.items(run.id)) >= CAUSE_REQUESTS
    wait_until(lambda: over(runner, bulks, run.id), "the end of the run", 60.0)
    worker.stop()


def is_blocked(store: Store, number: int) -> bool:
    return store.status(number)[0].status is BLOCKED


def over(runner: BulkRunner, bulks: Bulks, run_id: int) -> bool:
    runner.turn()
    return bulks.run(run_id).state is RunState.ENDED


PLANTED = {
    "a column without an index": "SELECT id FROM requests WHERE title = 'x'",
    "a key by its second part": "SELECT result FROM steps WHERE node = 'order'",
    "all, in the order of the key": "SELECT request_id, node FROM steps WHERE worker = 'w1' ORDER BY request_id, node",
    "an update of what is anywhere": "UPDATE attempts SET late = '1' WHERE worker = 'w1'",
    "under another name": "SELECT 1 FROM workers AS w JOIN events AS e ON e.actor = w.name",
    "a page of what is sorted first": "SELECT id FROM requests WHERE app = 'HR' ORDER BY title LIMIT 5",
}


def test_a_statement_that_reads_a_whole_table_would_be_found(database_url: str):
    with closing(open_on(open_database(database_url))) as small:
        fill(small, 2000)
        with small.database.reading() as connection:
            assert [name for name, statement in PLANTED.items() if not list(scans(connection, statement))] == []
