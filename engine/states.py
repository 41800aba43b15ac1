"""Every status, and every legal change between them, in one place (SPEC 1)."""

from __future__ import annotations

from enum import StrEnum

from engine.errors import IllegalChange


class RequestStatus(StrEnum):
    """Where a request stands. Values are those of the API; ``label`` is what a person reads."""

    IN_PROGRESS = "in_progress"
    BLOCKED = "blocked"
    COMPLETED = "completed"
    FAILED = "failed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


class StepStatus(StrEnum):
    """Where a step stands."""

    PENDING = "pending"
    READY = "ready"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        return self.value.capitalize()


class AttemptKind(StrEnum):
    """Why a step is executed."""

    INITIAL = "initial"
    RETRY = "retry"
    RECOVERY = "recovery"
    RETRIGGER = "retrigger"
    PROVIDED_INPUT = "provided_input"


class AttemptOutcome(StrEnum):
    """How an execution ended. A running attempt has none."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"  # its worker died or let the lease run out
    RETURNED = "returned"  # a clean stop gave it back
    CANCELLED = "cancelled"  # fenced off by a withdrawal or another path


class CallEffect(StrEnum):
    """What an outside call is known to have done (SPEC 4)."""

    NOT_SENT = "not_sent"
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ")

    @property
    def may_have_taken_effect(self) -> bool:
        return self in (CallEffect.ACCEPTED, CallEffect.UNKNOWN)


MOVING = frozenset({StepStatus.READY, StepStatus.RUNNING, StepStatus.WAITING})
ENDED = frozenset({StepStatus.COMPLETED, StepStatus.FAILED})
NOT_TAKEN = frozenset({StepStatus.SKIPPED, StepStatus.CANCELLED})
RETRIGGERABLE = frozenset({StepStatus.BLOCKED, StepStatus.FAILED})

FINAL = frozenset({RequestStatus.COMPLETED, RequestStatus.REJECTED, RequestStatus.WITHDRAWN})
ACTIONABLE = frozenset({RequestStatus.IN_PROGRESS, RequestStatus.BLOCKED, RequestStatus.FAILED})

_S = StepStatus
STEP_CHANGES: dict[StepStatus, frozenset[StepStatus]] = {
    # To COMPLETED: an end, merge or branch, which nothing executes. To RUNNING: inside a block, whose worker has it.
    _S.PENDING: frozenset({_S.READY, _S.RUNNING, _S.SKIPPED, _S.CANCELLED, _S.COMPLETED}),
    _S.READY: frozenset({_S.RUNNING, _S.CANCELLED, _S.PENDING, _S.COMPLETED}),
    _S.RUNNING: frozenset({_S.COMPLETED, _S.FAILED, _S.BLOCKED, _S.WAITING, _S.READY, _S.CANCELLED, _S.PENDING}),
    _S.WAITING: frozenset({_S.RUNNING, _S.READY, _S.COMPLETED, _S.FAILED, _S.BLOCKED, _S.CANCELLED, _S.PENDING}),
    _S.COMPLETED: frozenset({_S.PENDING, _S.CANCELLED}),  # only behind a re-triggered step
    _S.FAILED: frozenset({_S.READY, _S.PENDING, _S.CANCELLED}),
    _S.BLOCKED: frozenset({_S.READY, _S.COMPLETED, _S.PENDING, _S.CANCELLED}),
    _S.SKIPPED: frozenset({_S.PENDING}),
    _S.CANCELLED: frozenset({_S.PENDING}),
}

_R = RequestStatus
REQUEST_CHANGES: dict[RequestStatus, frozenset[RequestStatus]] = {
    _R.IN_PROGRESS: frozenset({_R.BLOCKED, _R.COMPLETED, _R.FAILED, _R.REJECTED, _R.WITHDRAWN}),
    _R.BLOCKED: frozenset({_R.IN_PROGRESS, _R.COMPLETED, _R.FAILED, _R.REJECTED, _R.WITHDRAWN}),
    _R.FAILED: frozenset({_R.IN_PROGRESS, _R.BLOCKED, _R.COMPLETED, _R.REJECTED}),  # by a re-trigger only
    _R.COMPLETED: frozenset(),
    _R.REJECTED: frozenset(),
    _R.WITHDRAWN: frozenset(),
}


def check_step_change(node: str, before: StepStatus, after: StepStatus) -> None:
    """Raise IllegalChange unless a step may go from ``before`` to ``after``. Staying is always legal."""
    if after is not before and after not in STEP_CHANGES[before]:
        raise IllegalChange(f"Step {node} cannot go from {before} to {after}.")


def check_request_change(request_id: int, before: RequestStatus, after: RequestStatus) -> None:
    """Raise IllegalChange unless a request may go from ``before`` to ``after``. Staying is always legal."""
    if after is not before and after not in REQUEST_CHANGES[before]:
        raise IllegalChange(f"REQ-{request_id} cannot go from {before} to {after}.")
