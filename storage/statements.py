"""The statements of the hot path, compiled once for a dialect."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Dialect,
    Text,
    bindparam,
    func,
    select,
)

from engine.graph import Graph
from engine.records import Attempt, Blocked, Event, Request, Step
from storage import driver
from storage.executemany import Rows, add_rows, insert_rows, put_rows, update_rows
from storage.initial_steps import initial_steps
from storage.query import Query, among, clock
from storage.rows import dump
from storage.tables import (
    DUE,
    DUE_ALONE,
    RUNNING,
    attempts,
    blocks,
    events,
    outbox,
    requests,
    steps,
    tallies,
    workflows,
)

REQUEST_COLUMNS = tuple(requests.c[name] for name in Request._fields)
STEP_COLUMNS = tuple(steps.c[name] for name in Step._fields)
RESULT = len(Step._fields)  # the place of the one heavy column of a step, behind those of its fields
PATIENCE = 1.0  # seconds that a due step waits behind slots that go on with their requests
# What changes of a step that becomes due, calls, and ends without a result; and of one that is claimed. Leases change
# without a version, so they are never written beside something else.
_USUAL = (
    ("status", "version", "due_at", "outlet", "sent_key"),
    ("status", "version", "attempt", "due_at", "worker", "lease_until"),
)
ATTEMPT_COLUMNS = tuple(attempts.c[name] for name in Attempt._fields)
END_COLUMNS = tuple(attempts.c[name] for name in ("outcome", "ended_at", "error", "call", "response", "late"))
EVENT_COLUMNS = tuple(events.c[name] for name in Event._fields)


def _places(names: Collection[str]) -> tuple[int, ...]:
    return tuple(place for place, name in enumerate(Step._fields) if name in names)


class Statements:
    """Every statement of the hot path, for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        notice = ("request_id", "kind", "event", "actor", "created_at", "due_at", "tries")
        self.insert_requests = insert_rows(
            dialect, requests, (*Request._fields, "title", "input", "submit_key", "stuck")
        )
        self.insert_steps = insert_rows(dialect, steps, Step._fields)
        self._begin_steps = initial_steps(dialect)
        self.insert_attempts = insert_rows(dialect, attempts, Attempt._fields)
        self.insert_events = insert_rows(dialect, events, Event._fields)
        self.insert_outbox = insert_rows(dialect, outbox, notice)
        self.update_requests = update_rows(dialect, requests, Request._fields[1:], ("id", "version"))
        self.update_stuck = update_rows(dialect, requests, ("stuck",), ("id",))
        self.put_blocks = put_rows(dialect, blocks, Blocked._fields)
        self.add_tallies = add_rows(dialect, tallies, "number")
        key = ("request_id", "node", "number")
        end = ("outcome", "ended_at", "error", "call", "response")
        running, ended = attempts.c.outcome.is_(None), attempts.c.outcome.is_not(None)
        self.update_keys = update_rows(dialect, attempts, ("idempotency_key",), key)
        self.end_attempts = update_rows(dialect, attempts, end, key, running)
        self.late_attempts = update_rows(dialect, attempts, ("late",), key, ended)
        self._update_steps: dict[tuple[int, ...], Rows] = {}
        self.usual = {} if dialect.name == "sqlite" else {frozenset(each): each for each in map(_places, _USUAL)}
        self._queries()

    def update_steps(self, places: tuple[int, ...]) -> Rows:
        """The update of those fields of a step, and of its RESULT. Few combinations occur, so each is compiled once."""
        found = self._update_steps.get(places)
        if found is None:
            names = [(*Step._fields, "result")[place] for place in places]
            found = update_rows(self._dialect, steps, names, ("request_id", "node", "version"))
            self._update_steps[places] = found
        return found

    def _queries(self) -> None:
        dialect = self._dialect
        mine = select(*REQUEST_COLUMNS).where(among(dialect, requests.c.id, "ids")).order_by(requests.c.id)
        self.lock_requests = Query(mine.with_for_update(), dialect)
        self.load_steps = Query(select(*STEP_COLUMNS).where(among(dialect, steps.c.request_id, "ids")), dialect)
        known = among(dialect, events.c.command_id, "ids")
        self.done_commands = Query(
            select(events.c.command_id, events.c.request_id).where(known, events.c.command_id.is_not(None)), dialect
        )
        keyed = select(requests.c.submit_key, requests.c.id).where(requests.c.submit_key.is_not(None))
        of_workflow = requests.c.workflow == bindparam("workflow", type_=Text())
        self.submitted = Query(keyed.where(of_workflow, among(dialect, requests.c.submit_key, "keys")), dialect)
        versions = select(func.max(workflows.c.version)).where(workflows.c.name == bindparam("name", type_=Text()))
        self.newest_version = Query(versions, dialect)
        submitted = select(requests.c.input, requests.c.requester)
        self.input = Query(submitted.where(requests.c.id == bindparam("id", type_=BigInteger())), dialect)
        results = select(steps.c.node, steps.c.result, steps.c.error, steps.c.key_salt)
        of_request = steps.c.request_id == bindparam("id", type_=BigInteger())
        self.results = Query(results.where(of_request, among(dialect, steps.c.node, "nodes")), dialect)
        newest = select(workflows).where(workflows.c.name == bindparam("name", type_=Text()))
        self.newest_workflow = Query(newest.order_by(workflows.c.version.desc()).limit(1), dialect)
        self._claim_queries()

    def _claim_queries(self) -> None:
        dialect = self._dialect
        due = steps.c.due_at <= bindparam("now")
        now = clock(dialect)
        alone = select(steps.c.request_id).where(DUE_ALONE, steps.c.due_at <= now).correlate(None).exists()
        late = select(steps.c.request_id).where(DUE, steps.c.due_at < now - PATIENCE).correlate(None).exists()
        self.waiting = Query(select(alone, late), dialect)
        mine = steps.c.worker == bindparam("worker", type_=Text())
        key = (steps.c.request_id, steps.c.node, steps.c.attempt)
        self.running_by = Query(select(*key).where(RUNNING, mine), dialect)
        claimable = (
            select(*STEP_COLUMNS, requests.c.workflow_version, requests.c.workflow, requests.c.created_at)
            .join_from(steps, requests, requests.c.id == steps.c.request_id)
            .where(due)
            .order_by(steps.c.due_at)
            .limit(bindparam("free"))
            .with_for_update(of=steps, skip_locked=True)
        )
        due_alone = select(steps.c.request_id).where(DUE_ALONE, due).correlate(None).exists()
        self.claimable = Query(claimable.where(DUE, ~due_alone), dialect)
        self.claimable_alone = Query(claimable.where(DUE_ALONE), dialect)

    def begin_steps(self, connection: Connection, ids: Sequence[int], graph: Graph, now: float) -> None:
        """Write the steps of new requests."""
        nodes: Any = {"nodes": dump(graph.rows)}
        if self._dialect.name != "sqlite":
            nodes = {"nodes": list(graph.rows), "kinds": list(graph.rows.values())}
        self._begin_steps.write(connection, ids=self.listed(ids), start=graph.start, now=now, **nodes)

    def new_request_ids(self, connection: Connection, number: int) -> Sequence[int]:
        """Ids for new requests, in rising order. On SQLite the transaction holds the write lock, so it may count."""
        if self._dialect.name == "sqlite":
            ((last,),) = driver.rows(connection, "SELECT coalesce(max(id), 0) FROM requests")
            return range(last + 1, last + 1 + number)
        sequence = "SELECT nextval(pg_get_serial_sequence('requests', 'id')) FROM generate_series(1, %s)"
        return sorted(row[0] for row in driver.rows(connection, sequence, (number,)))

    def listed(self, values: Sequence[Any]) -> Any:
        """A list as the one value that ``among`` compares with."""
        return dump(values) if self._dialect.name == "sqlite" else list(values)
