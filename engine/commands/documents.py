"""The one document of a request that every door shows (SPEC 8), and how it is built. Pure; values come in masked.

Statuses are lower case with underscores, times ISO 8601 in UTC. The API's OpenAPI is made from these models.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from engine import events
from engine.graph import OPEN_KINDS, Graph
from engine.records import Event, Request, Step
from engine.rules.allowed import Action, request_actions, step_actions
from engine.rules.command_ids import shown
from engine.rules.looking import Looking, looking
from engine.states import AttemptKind, AttemptOutcome, CallEffect, RequestStatus, StepStatus
from engine.stored import AttemptDetail, RequestDetail, RequestRow


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class AttemptDocument(_Document):
    """One execution of a step. ``outcome`` None: it is running. ``late``: evidence from a worker that had lost it."""

    number: int
    kind: AttemptKind
    visit: int
    outcome: AttemptOutcome | None
    error: str | None
    call: CallEffect | None
    idempotency_key: str | None
    workflow_version: int
    worker: str | None
    started_at: datetime
    ended_at: datetime | None
    by: str | None
    actor: str | None
    did: str | None
    acted_at: datetime | None
    door: str | None
    reason: str | None
    late: str | None


class StepDocument(_Document):
    """One step. ``version`` is what an act may expect; ``call`` what its last call is known to have done.

    ``due_at``: of the next try; ``wakes_at``: when a wait is over. ``outlet``: the path it left by.
    ``approvers`` of a waiting approval, those of them who have ``approved``, and whether it ``need``s any or all.
    ``part_of``: the sync block it is inside of.
    """

    node: str
    kind: str
    status: StepStatus
    version: int
    visit: int
    stale: bool
    held: bool
    result: Any
    error: str | None
    call: CallEffect | None
    retries: int
    recoveries: int
    due_at: datetime | None
    wakes_at: datetime | None
    outlet: str | None
    approvers: tuple[str, ...]
    approved: tuple[str, ...]
    need: str | None
    part_of: str | None
    actions: tuple[Action, ...]
    attempts: tuple[AttemptDocument, ...]

    @property
    def acts(self) -> tuple[AttemptDocument, ...]:
        """The attempts that a person caused directly, for tags such as "Re-triggered by @name, 10:42"."""
        return tuple(a for a in self.attempts if a.kind in (AttemptKind.RETRIGGER, AttemptKind.PROVIDED_INPUT))

    @property
    def waits_for(self) -> str | None:
        """What a waiting step waits for, to be read behind "waits for"; None while it waits only for its next try."""
        if self.status is not StepStatus.WAITING or self.kind not in OPEN_KINDS or self.due_at is not None:
            return None
        if self.kind != "approval":
            return "its time" if self.kind == "delay" else "a call from outside"
        if self.need == "all":
            yes = f" ({', '.join(self.approved)} did)" if self.approved else ""
            return f"the approval of each of {', '.join(self.approvers)}{yes}"
        return f"the approval of {' or '.join(self.approvers)}"


class LookingDocument(_Document):
    """Who is looking at a blocked request. ``until`` then, unless they say so again; it locks nobody out."""

    by: str
    actor: str
    since: datetime
    until: datetime


class EventDocument(_Document):
    """One line of the audit."""

    at: datetime
    kind: str
    node: str | None
    attempt: int | None
    by: str | None
    actor: str | None
    door: str | None
    reason: str | None
    data: dict[str, Any] | None


class RequestSummary(_Document):
    """A request as lists give it. ``revision`` counts the changes of its status, reason and version, and the steps that
    came to be held: Continue flow and Withdraw may expect one. ``blocked_at``: since when it is Blocked; ``pruned_at``:
    when retention removed its contents."""

    id: str
    workflow: str
    version: int
    app: str
    title: str
    status: RequestStatus
    reason: str | None
    requester: str
    revision: int
    created_at: datetime
    updated_at: datetime
    blocked_at: datetime | None
    pruned_at: datetime | None = None
    blocked: tuple[str, ...] = ()  # the steps that block it; a stale one does not count (SPEC 4)

    @property
    def number(self) -> int:
        return int(self.id.removeprefix("REQ-"))


class RequestDocument(RequestSummary):
    """Everything there is to say of a request."""

    input: Any
    actions: tuple[Action, ...]
    steps: tuple[StepDocument, ...]
    looking: LookingDocument | None = None
    events: tuple[EventDocument, ...]

    @property
    def reason_to_tell(self) -> str | None:
        """Why the request stands where it does, unless a step says so itself."""
        return None if self.blocked else self.reason

    def step(self, node: str) -> StepDocument | None:
        """The step of that name, if the request has it."""
        return next((step for step in self.steps if step.node == node), None)

    def not_begun(self) -> dict[str, list[EventDocument]]:
        """By step, its re-triggers of which no worker has begun an attempt: they are acts of it, too."""
        last = {step.node: step.attempts[-1].number if step.attempts else 0 for step in self.steps}
        found: dict[str, list[EventDocument]] = {}
        for event in self.events:
            node = event.node or ""
            if event.kind in events.RUN_AGAIN and node in last and (event.attempt or 0) > last[node]:
                found.setdefault(node, []).append(event)
        return found


def when(seconds: float) -> datetime:
    """Seconds since the epoch as an aware UTC time."""
    return datetime.fromtimestamp(seconds, UTC)


def iso(seconds: float) -> str:
    """The same as documents have it in JSON."""
    return when(seconds).isoformat().replace("+00:00", "Z")


def request_document(detail: RequestDetail, graph: Graph, input: Any, results: Mapping[str, Any]) -> RequestDocument:
    """``input`` and ``results`` (by node) are parsed and masked."""
    steps = {row.step.node: row.step for row in detail.steps}
    attempts: dict[str, list[AttemptDocument]] = {node: [] for node in steps}
    for attempt in detail.attempts:
        attempts.setdefault(attempt.start.node, []).append(_attempt(attempt))
    order = [node for node in graph.rows if node in steps]
    order += [node for node in steps if node not in graph.rows]  # of a version before: their history stays
    blocked = tuple(n for n in order if steps[n].status is StepStatus.BLOCKED and not steps[n].stale)
    return RequestDocument(
        **_summary(detail.request, detail.title, blocked),
        input=input,
        actions=request_actions(detail.request, steps),
        steps=tuple(_step(detail.request, steps[n], graph, results.get(n), attempts[n]) for n in order),
        looking=_looking(looking(detail.events, detail.at)),
        events=tuple(_event(event) for event in detail.events),
    )


def request_summary(row: RequestRow) -> RequestSummary:
    """A request of a list."""
    return RequestSummary(**_summary(row.request, row.title, tuple(node for node, _ in row.blocked)))


def _summary(request: Request, title: str, blocked: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id": f"REQ-{request.id}",
        "workflow": request.workflow,
        "version": request.workflow_version,
        "app": request.app,
        "title": title,
        "status": request.status,
        "reason": request.reason,
        "requester": request.requester,
        "revision": request.version,
        "created_at": when(request.created_at),
        "updated_at": when(request.updated_at),
        "blocked_at": None if request.blocked_at is None else when(request.blocked_at),
        "pruned_at": None if request.pruned_at is None else when(request.pruned_at),
        "blocked": blocked,
    }


def _step(request: Request, step: Step, graph: Graph, result: Any, attempts: list[AttemptDocument]) -> StepDocument:
    return StepDocument(
        node=step.node,
        kind=step.kind,
        status=step.status,
        version=step.version,
        visit=step.visit,
        stale=step.stale,
        held=step.held,
        result=result,
        error=step.error,
        call=step.call,
        retries=step.retries,
        recoveries=step.recoveries,
        due_at=None if step.due_at is None else when(step.due_at),
        wakes_at=None if step.wakes_at is None else when(step.wakes_at),
        outlet=step.outlet,
        approvers=step.approval.approvers if step.approval else (),
        approved=step.approval.approved if step.approval else (),
        need=step.approval.need if step.approval else None,
        part_of=graph.block_of.get(step.node),
        actions=step_actions(request, step, graph),
        attempts=tuple(attempts),
    )


def _attempt(detail: AttemptDetail) -> AttemptDocument:
    start, end = detail.start, detail.end
    trigger = start.trigger
    return AttemptDocument(
        number=start.number,
        kind=start.kind,
        visit=start.visit,
        outcome=end.outcome if end else None,
        error=end.error if end else None,
        call=end.call if end else None,
        idempotency_key=detail.idempotency_key,
        workflow_version=start.workflow_version,
        worker=start.worker,
        started_at=when(start.started_at),
        ended_at=when(end.ended_at) if end else None,
        by=trigger.by if trigger else None,
        actor=trigger.actor if trigger else None,
        did=trigger.did if trigger else None,
        acted_at=when(trigger.at) if trigger else None,
        door=trigger.door if trigger else None,
        reason=trigger.reason if trigger else None,
        late=end.late if end else None,
    )


def _looking(found: Looking | None) -> LookingDocument | None:
    if found is None:
        return None
    return LookingDocument(by=found.by, actor=found.actor, since=when(found.since), until=when(found.until))


def _event(event: Event) -> EventDocument:
    return EventDocument(
        at=when(event.at),
        kind=event.kind,
        node=event.node,
        attempt=event.attempt,
        by=event.by,
        actor=event.actor,
        door=event.door,
        reason=event.reason,
        data=shown(event.data),
    )
