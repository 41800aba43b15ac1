"""A worker takes a due step."""

from __future__ import annotations

from engine.limits import ALONE_FROM_RECOVERY
from engine.records import Attempt, Step, changed
from engine.states import StepStatus


def is_due(step: Step, now: float) -> bool:
    """Whether a worker may take it beside others."""
    ready = step.status is StepStatus.READY and step.due_at is not None and step.due_at <= now
    return ready and step.recoveries < ALONE_FROM_RECOVERY


def claim(step: Step, workflow_version: int, worker: str, now: float, lease: float) -> tuple[Step, Attempt]:
    """The running row and the attempt of a ready or waiting ``step``. ``lease`` in seconds.

    Needs nothing of the request: a step that is due belongs to a request that is not final, since withdrawing and
    ending cancel what is due in the same transaction.
    """
    number = step.attempt + 1
    running = changed(
        step,
        {
            "status": StepStatus.RUNNING,
            "version": step.version + 1,
            "attempt": number,
            "worker": worker,
            "lease_until": now + lease,
            "due_at": None,
        },
    )
    attempt = Attempt(
        step.request_id,
        step.node,
        number,
        step.next_kind,
        step.visit,
        workflow_version,
        worker,
        now,
        step.trigger,
    )
    return running, attempt
