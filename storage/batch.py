"""One transaction of the writer: operations run one after another in memory, then everything is written at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection

from engine.errors import AlreadyDone, NotFound
from engine.graph import Graph
from engine.ports.store import Claimer
from engine.records import Attempt, AttemptEnd, Blocked, Claim, Event, Notice, Request, Step
from engine.rules.decide.claim import claim, is_due
from engine.rules.draft import Draft
from engine.states import MOVING, RequestStatus
from storage import rows
from storage.guards import Guards, StepUpdates
from storage.jobs import Due, left_due
from storage.operations import Change
from storage.request_cache import Held
from storage.statements import Statements
from storage.tallies import Tally

Graphs = Callable[[str, int], Graph]
Told = Callable[[str], bool]


class Ready(NamedTuple):
    """A step that a change has made due. ``slot``: the change has left a slot free."""

    held: Held
    node: str
    slot: bool


class Batch:
    """The changes of requests in one transaction. Nothing is written before ``flush``."""

    def __init__(self, connection: Connection, statements: Statements, now: float, graphs: Graphs, told: Told) -> None:
        self._connection, self._statements, self._now = connection, statements, now
        self._graphs, self._told = graphs, told
        self.held: dict[int, Held] = {}
        self.created: list[Held] = []
        self.done: dict[str, int | None] = {}  # command id → request
        self._results: dict[int, dict[str, str | None]] = {}  # request → node → JSON text
        self._keys: dict[tuple[int, str, int], str | None] = {}  # attempt → idempotency key
        self.attempts: list[Attempt] = []
        self.ready: list[Ready] = []  # at most one step for each change
        self.steps_ended = 0
        self._ends: dict[tuple[int, str, int], AttemptEnd] = {}
        self._late: dict[tuple[int, str, int], AttemptEnd] = {}
        self.events: list[Event] = []
        self.notices: list[Notice] = []
        self.blocked: list[Blocked] = []
        self.tally = Tally()

    def apply(self, change: Change) -> Any:
        """Run one rule on the present state. What it raises drops its draft, and nothing else."""
        if change.command_id is not None and change.command_id in self.done:
            raise AlreadyDone(self.done[change.command_id], change.command_id)
        held = self.held.get(change.request_id)
        if held is None:
            raise NotFound("request", f"REQ-{change.request_id}")
        request = held.request
        graph = self._graphs(request.workflow, request.workflow_version)
        draft = Draft(request, held.steps, graph, self._now, self._told(request.app))
        answer = change.decide(draft)
        draft.close()
        self._absorb(held, draft, change.ends_step)
        return answer

    def _absorb(self, held: Held, draft: Draft, ends_step: bool) -> None:
        request_id = draft.request.id
        held.request, held.steps = draft.request, draft.steps
        self.steps_ended += ends_step
        if draft.results:
            self._results.setdefault(request_id, {}).update(draft.results)
        ready = next((node for node in draft.changed if is_due(draft.steps[node], self._now)), None)
        if ready is not None:
            self.ready.append(Ready(held, ready, ends_step))
        for node, attempt, key in draft.call_keys:
            self._keys[request_id, node, attempt] = rows.clean(key)
        for end in draft.ends:
            if end.late is None:
                self._ends.setdefault(end[:3], end)  # the first end stands
            else:
                self._late[end[:3]] = end
        for event in draft.events:
            if event.command_id is not None:
                self.done[event.command_id] = request_id
        self.attempts += draft.attempts
        self.events += draft.events
        self.notices += draft.notices
        self.blocked += draft.blocked

    def go_on(self, claimer: Claimer, ready: Iterable[Ready]) -> list[Claim]:
        """Claim what the changes have made due, before it is written as due: a slot goes on with its request."""
        claims = []
        for held, node, _ in ready:
            step, request = held.steps[node], held.request
            if is_due(step, self._now):  # else a later change has seen to it
                running, attempt = claim(step, request.workflow_version, claimer.worker, self._now, claimer.lease)
                held.steps[node] = running
                self.attempts.append(attempt)
                claims.append(Claim(running, attempt, request.workflow, request.created_at))
        return claims

    def left_due(self) -> list[Due]:
        """What the changes, and new requests, leave to be taken by somebody."""
        new = (step for held in self.created for step in held.steps.values())
        changed = (
            step
            for held in self.held.values()
            for node, step in held.steps.items()
            if step is not held.stored_steps.get(node)
        )
        return left_due(chain(new, changed))

    def flush(self, guards: Guards) -> None:
        """Write it all, each kind of row with one statement."""
        self._flush_requests(guards)
        self._flush_stuck()
        self._flush_steps(guards)
        self._flush_history()

    def _flush_history(self) -> None:
        connection, statements = self._connection, self._statements
        statements.insert_attempts.run(connection, [rows.attempt_row(attempt) for attempt in self.attempts])
        statements.update_keys.run(connection, [(text, *key) for key, text in self._keys.items()])
        statements.end_attempts.run(connection, [rows.end_row(end) for end in self._ends.values()])
        statements.late_attempts.run(connection, [rows.late_row(end) for end in self._late.values()])
        statements.insert_events.run(connection, [rows.event_row(event) for event in self.events])
        self.tally.happened(self.events)
        statements.insert_outbox.run(connection, [rows.notice_row(notice, self._now) for notice in self.notices])
        statements.put_blocks.run(connection, rows.block_rows(self.blocked))

    def _flush_requests(self, guards: Guards) -> None:
        changed = [held for held in self.held.values() if held.request is not held.stored]
        updates = [(*rows.request_row(held.request)[1:], held.stored.id, held.stored.version) for held in changed]
        if updates:
            guards.expect(self._statements.update_requests.run(self._connection, updates), updates)
        for held in changed:
            self.tally.changed(held.stored, held.request)

    def _flush_stuck(self) -> None:
        """Whether nothing moves is stored with the request: the sweep looks at millions of them (SPEC 3.5)."""
        turned = []
        for held in self.held.values():
            if held.steps is held.stored_steps and held.request is held.stored:
                continue
            stuck = _is_stuck(held.request, held.steps)
            if stuck is not _is_stuck(held.stored, held.stored_steps):
                turned.append((stuck, held.request.id))
        self._statements.update_stuck.run(self._connection, turned)

    def _flush_steps(self, guards: Guards) -> None:
        """Drafts copy a step only to change it, so what is another object was changed."""
        inserts = []
        updates = StepUpdates()
        for request_id, held in self.held.items():
            before, after = held.stored_steps, held.steps
            if after is before:
                continue
            results = self._results.get(request_id, {})
            for node, step in after.items():
                stored = before.get(node)
                if stored is None:
                    inserts.append(rows.step_row(step))
                    stored = step
                if node in results:
                    updates.add(stored, step, results[node])
                elif stored is not step:
                    updates.add(stored, step)
        self._statements.insert_steps.run(self._connection, inserts)
        updates.run(self._connection, self._statements, guards)


def _is_stuck(request: Request, steps: Mapping[str, Step]) -> bool:
    """In progress, with no step that moves."""
    if request.status is not RequestStatus.IN_PROGRESS:
        return False
    for step in steps.values():  # noqa: SIM110 - a generator for each request of each transaction costs twice the time
        if step.status in MOVING:
            return False
    return True
