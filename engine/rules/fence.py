"""Ending the open attempt of a step that loses its right to write. Pure.

An attempt is open while the step runs, and while an approval, a delay or a callback waits: nobody holds it then.
"""

from __future__ import annotations

from engine.graph import OPEN_KINDS
from engine.records import AttemptEnd, Step
from engine.rules.draft import Draft
from engine.rules.effects import cut_short
from engine.states import AttemptOutcome, CallEffect, StepStatus


def is_open_wait(step: Step) -> bool:
    """Whether it waits for a time, an answer or a call, rather than for its next try."""
    return step.status is StepStatus.WAITING and step.kind in OPEN_KINDS and step.due_at is None


def end_attempt(
    draft: Draft,
    node: str,
    outcome: AttemptOutcome = AttemptOutcome.CANCELLED,
    error: str | None = None,
    unsent: CallEffect | None = None,
) -> CallEffect | None:
    """Close the open attempt, if there is one; a result that still comes is late evidence. The status is the caller's
    to change. Returns what the call that was under way is known to have done: ``unsent`` if it had not left yet."""
    step = draft.steps[node]
    if step.status is not StepStatus.RUNNING and not is_open_wait(step):
        return None
    call = unsent if step.sent_key is None else CallEffect.UNKNOWN
    end = AttemptEnd(step.request_id, node, step.attempt, outcome, draft.now, error, call)
    draft.ends.append(end)
    fields = {**cut_short(step), "worker": None, "lease_until": None, "wakes_at": None, "approval": None}
    if call is not None:
        fields["call"] = call
    draft.change_step(node, **fields)
    return call
