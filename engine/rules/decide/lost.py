"""A worker died, or gives back what it holds (SPEC 3.2)."""

from __future__ import annotations

from engine import events
from engine.limits import MAX_RECOVERIES
from engine.rules.decide.alone import fail_alone, fails_again
from engine.rules.decide.block import interrupt_inner
from engine.rules.decide.finish import block
from engine.rules.draft import Draft
from engine.rules.fence import end_attempt
from engine.rules.flow import missing_paths
from engine.rules.outcomes import Failure
from engine.rules.recovery import recovery_delay
from engine.rules.telling import tell_outcome
from engine.states import AttemptKind, AttemptOutcome, CallEffect, RequestStatus, StepStatus


def recover(draft: Draft, node: str, attempt: int, jitter: float) -> bool:
    """The worker of this attempt is gone: try again, or block when the recoveries are used up.

    False, and no change, when the attempt is not the running one any more.
    """
    step = draft.steps.get(node)
    if step is None or step.status is not StepStatus.RUNNING or step.attempt != attempt:
        return False
    call = end_attempt(draft, node, AttemptOutcome.LOST, _LOST, CallEffect.NOT_SENT if step.kind == "action" else None)
    if interrupt_inner(draft, node, AttemptOutcome.LOST, _LOST):
        call = CallEffect.UNKNOWN
        draft.change_step(node, call=call)
    delay = recovery_delay(step.recoveries, jitter)
    if delay is None:
        error = f"The worker died at attempt {attempt} and at each of the {MAX_RECOVERIES} automatic recoveries."
        failure = Failure(error, call)
        if fails_again(step):  # as by any other failure: the request is not touched
            event = fail_alone(draft, draft.steps[node], failure, lost=True)
        else:
            event = block(draft, node, failure, lost=True)
        tell_outcome(draft, step, event)
        return True
    draft.change_step(
        node,
        status=StepStatus.WAITING if delay else StepStatus.READY,
        due_at=draft.now + delay,
        next_kind=AttemptKind.RECOVERY,
        recoveries=step.recoveries + 1,
    )
    facts = {"recovery": step.recoveries + 1, "worker": step.worker, "delay": delay}
    draft.event(events.LOST, node, attempt=attempt, data=facts)
    return True


_LOST = "The worker died or let its lease run out."


def give_back(draft: Draft, node: str, attempt: int) -> bool:
    """A clean stop: the step is ready again for any worker, and nothing is counted."""
    step = draft.steps.get(node)
    if step is None or step.status is not StepStatus.RUNNING or step.attempt != attempt:
        return False
    end_attempt(draft, node, AttemptOutcome.RETURNED)
    interrupt_inner(draft, node, AttemptOutcome.RETURNED)
    draft.change_step(node, status=StepStatus.READY, due_at=draft.now, next_kind=AttemptKind.RECOVERY)
    draft.event(events.RETURNED, node, attempt=attempt)
    return True


def unstick(draft: Draft) -> bool:
    """The sweep of SPEC 3.5: in progress with nothing to wait for becomes Blocked and names what did not arrive."""

    if draft.request.status is not RequestStatus.IN_PROGRESS or draft.moving():
        return False
    waits = []
    for node in draft.graph.nodes:  # in their order, so that the first that waits is named first
        step = draft.steps.get(node)
        if step is None:
            waits.append(f"the row of {node} is gone")
        elif step.status is StepStatus.PENDING:
            missing = missing_paths(draft, node)
            waits.append(f"{node} waits for {', '.join(missing)}" if missing else f"{node} was never started")
    reason = "Nothing is running: " + ("; ".join(waits[:3]) or "no step is left to run") + "."
    draft.change_request(RequestStatus.BLOCKED, reason)
    return True
