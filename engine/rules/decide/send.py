"""An outside call is about to leave: the last guard before it, and its key, durable first (SPEC 4)."""

from __future__ import annotations

from engine.errors import LeaseLost
from engine.rules.draft import Draft
from engine.rules.effects import leaving
from engine.states import StepStatus


def send(draft: Draft, node: str, attempt: int, key: str) -> None:
    """Remember the key of the call. Raises LeaseLost, or ConfirmationNeeded when a call under another key may have
    taken effect and no person has confirmed a second one."""
    step = draft.steps.get(node)
    if step is None or step.status is not StepStatus.RUNNING or step.attempt != attempt:
        raise LeaseLost(draft.request.id, node, attempt)
    if step.sent_key == key:
        return  # it is stored; the answer to the commit that stored it was lost
    draft.change_step(node, **leaving(step, key))
    draft.call_keys.append((node, attempt, key))
