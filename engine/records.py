"""The rows as the rules see them: immutable, light (no results or inputs), quick to make.

Times are seconds since the epoch in UTC, from the database's clock. ``version`` counts the changes of a row; every
write is guarded by the version it read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from engine.states import AttemptKind, AttemptOutcome, CallEffect, RequestStatus, StepStatus


class Trigger(NamedTuple):
    """The person's act that a step runs under (SPEC 1, *attempt*). What blocks many steps is a cause."""

    by: str  # who, as shown to people: "Hanna Lead" or a mail
    actor: str  # who, as the door knows them: "slack:T1/U1", a mail, "key:NAME"
    door: str  # slack, cli, api
    did: str  # one of engine.events.DID
    node: str | None  # the step that was acted on; None for Continue flow
    at: float
    reason: str | None = None
    error: str | None = None  # what the step was blocked with before the act
    bulk: int | None = None  # the bulk re-trigger that it is a part of, whose end tells all outcomes
    command: str | None = None  # the id of the command, by which the log joins the act and what it caused
    away: bool = False  # whoever acted did not do it at the request's card


class Approval(NamedTuple):
    """What a waiting approval waits for. ``approvers`` are mails, Slack ids, "@group" or "key:NAME", as
    rendered.

    ``need`` is "any" or "all"; ``approved``: those of them who have said yes."""

    approvers: tuple[str, ...]
    need: str
    approved: tuple[str, ...] = ()


class Request(NamedTuple):
    """One run of one workflow version. ``reason`` says why it is Blocked or Withdrawn; ``blocked_at``: since when it is
    Blocked, whatever happened in it meanwhile, None while it is not; ``pruned_at``: when retention removed its input,
    results and responses."""

    id: int
    workflow: str
    workflow_version: int
    app: str
    status: RequestStatus
    reason: str | None
    requester: str
    alerted: bool  # a card exists or is on its way, so later changes are told too
    version: int
    created_at: float
    updated_at: float
    blocked_at: float | None = None
    pruned_at: float | None = None


class Step(NamedTuple):
    """One node of one request."""

    request_id: int
    node: str
    kind: str  # action, function, decision, end, ...
    status: StepStatus
    version: int
    attempt: int = 0  # number of the latest attempt; the fencing token
    next_kind: AttemptKind = AttemptKind.INITIAL  # what the next attempt will be
    visit: int = 1
    retries: int = 0  # used of the present budget
    recoveries: int = 0  # used of the present budget
    due_at: float | None = None  # ready or waiting: not before; None: not claimable
    worker: str | None = None
    lease_until: float | None = None
    outlet: str | None = None  # the path it left by
    held: bool = False  # completed step-only: nothing behind it starts
    stale: bool = False  # ran before, behind a step that was run again alone
    only: bool = False  # the running act is step-only
    update_status: bool = False  # the tick box of the step-only act
    was: StepStatus | None = None  # its status before the act, to go back to when a failed step fails again
    key_salt: int = 0  # raised when a person asks for a new key
    sent_key: str | None = None  # key under which the running attempt's call may have left
    effect_key: str | None = None  # key of the latest call that may have taken effect
    repeat: str | None = None  # the key under which a person allowed a second effect: see engine.rules.effects
    call: CallEffect | None = None  # what the last call is known to have done
    error: str | None = None
    trigger: Trigger | None = None
    wakes_at: float | None = None  # a waiting delay, approval or callback: when its time is over
    approval: Approval | None = None
    early: bool = False  # a callback that was called before it waited: the result is kept for it
    cancelled_by: str | None = None  # the end that cancelled it


_PLACE = {name: place for place, name in enumerate(Step._fields)}


def changed(step: Step, fields: Mapping[str, Any]) -> Step:
    """A copy with other values in some ``fields``: ``_replace``, in a third of its time. Every step of every request
    is copied several times."""
    values = list(step)
    for name, value in fields.items():
        values[_PLACE[name]] = value
    return tuple.__new__(Step, values)  # _make counts the values


class Attempt(NamedTuple):
    """One execution of a step, as it starts."""

    request_id: int
    node: str
    number: int
    kind: AttemptKind
    visit: int
    workflow_version: int
    worker: str | None
    started_at: float
    trigger: Trigger | None = None


class AttemptEnd(NamedTuple):
    """How an attempt ended. ``late``: the worker had lost its lease; evidence only (SPEC 3.4)."""

    request_id: int
    node: str
    number: int
    outcome: AttemptOutcome
    ended_at: float
    error: str | None = None
    call: CallEffect | None = None
    response: str | None = None  # JSON text of the last response of a failed call, for prefilling, masked
    late: str | None = None  # JSON text


class Event(NamedTuple):
    """One line of the audit."""

    request_id: int | None
    kind: str  # a name of engine.events
    at: float
    node: str | None = None
    attempt: int | None = None
    by: str | None = None
    actor: str | None = None
    door: str | None = None
    reason: str | None = None
    data: dict[str, Any] | None = None
    command_id: str | None = None


class Blocked(NamedTuple):
    """A step that an outside system has blocked. ``key`` stands for the connection ``source`` and for what the error
    has in common with others (engine.rules.fingerprint); ``version`` is the step's, blocked."""

    request_id: int
    node: str
    key: str
    app: str
    source: str
    version: int
    at: float


PRIVATE = ("tell", "direct")  # kinds of a Notice that go to one person
STILL = "still"  # the kind of those of requests whose version cannot be read


class Notice(NamedTuple):
    """Something to tell people: a row of the outbox. ``kind``: "card" (refresh it), "line" (a line in the thread),
    "tell" (the outcome, privately, to ``actor``), "direct" (the same, to one who did not act at the card), "asks" (keep
    what asks its approvers true), STILL (it stands still, and cannot be shown)."""

    request_id: int
    kind: str
    event: Event | None = None
    actor: str | None = None


class Claim(NamedTuple):
    """A step that this worker may run: its committed running row and its attempt."""

    step: Step
    attempt: Attempt
    workflow: str
    created_at: float  # of the request


class NewRequest(NamedTuple):
    """What submitting stores. ``input`` is JSON text; ``key`` makes the submit safe to repeat."""

    workflow: str
    workflow_version: int
    app: str
    title: str
    requester: str
    input: str
    key: str | None = None
