"""How a wait ends: its time is over, an approver has answered, or the outside system has called (SPEC 1, 2)."""

from __future__ import annotations

import json
from collections.abc import Iterable

from engine import events
from engine.errors import CallbackRefused, Conflict, NotAnApprover, Refused
from engine.graph import APPROVED, REJECTED
from engine.records import Approval, Step
from engine.rules.decide.act import (
    Accepted,
    Act,
    accepted,
    audit,
    expected,
    known_step,
    overtaken,
    same_version,
    trigger_of,
)
from engine.rules.decide.finish import Finished, conclude
from engine.rules.draft import Draft
from engine.rules.fence import is_open_wait
from engine.rules.outcomes import Ended, Failure, Success
from engine.states import ACTIONABLE, MOVING, StepStatus


def time_is_up(draft: Draft, node: str, attempt: int) -> bool:
    """A delay is over; an approval leaves by rejected, or is blocked without such a path; a callback has failed.

    False, and no change, when the wait has ended otherwise.
    """
    step = draft.steps.get(node)
    if step is None or step.attempt != attempt or not is_open_wait(step):
        return False
    if step.wakes_at is None or step.wakes_at > draft.now:
        return False
    if step.kind == "delay":
        _conclude(draft, step, Success("null"))
    elif step.kind == "callback":
        _conclude(draft, step, Failure("Nobody called back in time."))
    else:
        _reject(draft, step)
    return True


def means(approvers: Iterable[str], names: frozenset[str]) -> tuple[str, ...]:
    """Those of ``approvers`` that mean a person. ``names``: every name, in lower case, that means them."""
    return tuple(one for one in approvers if one.strip().lower() in names)


def answer(draft: Draft, act: Act, node: str, yes: bool, names: frozenset[str], attempt: int | None = None) -> Accepted:
    """An approver approves or rejects. ``names`` as in ``means``; ``attempt``: of the approval that they saw.

    With ``need: any`` the first answer decides; with ``all`` everybody must approve, and the first rejection rejects.
    """
    step = expected(draft, act, node)
    approval = _open_approval(draft, step)
    mine = means(approval.approvers, names)
    if not mine:
        raise NotAnApprover(node, approval.approvers)
    if attempt not in (None, step.attempt):
        raise overtaken(draft, step)
    if yes and set(mine) <= set(approval.approved):
        raise Refused(f"{_who_have(mine)} approved {node} of REQ-{draft.request.id} already.")
    kind = events.APPROVED if yes else events.REJECTED
    audit(draft, act, kind, node, step.attempt, approver=list(mine))
    approved = (*approval.approved, *(one for one in mine if one not in approval.approved))
    if not yes:
        _reject(draft, step, act)
    elif approval.need == "all" and set(approved) < set(approval.approvers):
        draft.change_step(node, approval=approval._replace(approved=approved))
        return accepted(draft, node)
    else:
        by = list(approved) if approval.need == "all" else [act.by]
        result = {"approved": True, "by": by, "reason": act.typed or act.reason}
        _conclude(draft, step, Success(json.dumps(result), APPROVED))
    trigger = trigger_of(draft, act, kind, node)
    draft.change_step(node, trigger=trigger)  # last: what runs behind it does not run because of this act
    return accepted(draft, node)


def call_back(draft: Draft, node: str, issue: int, result: str, checked: int | None = None) -> Accepted:
    """The outside system called: ``result`` (JSON text) becomes the step's result. ``issue``: the number that
    the address was made of. A call that comes early is kept; a second one, or one to a void address, is refused.
    ``checked``: the version by whose schema the result was found to fit.
    """
    same_version(draft, checked)
    step = known_step(draft, node)
    if step.kind != "callback":
        raise CallbackRefused(node, f"in version {draft.request.workflow_version} it is of kind {step.kind}")
    if issue != step.key_salt:
        raise CallbackRefused(node, "it was re-triggered, and waits for a call to another address")
    if draft.request.status not in ACTIONABLE:
        raise CallbackRefused(node, f"REQ-{draft.request.id} is {draft.request.status.label}")
    if is_open_wait(step):
        _conclude(draft, step, Success(result))
    elif step.status in (*MOVING, StepStatus.PENDING) and not step.early:
        draft.set_result(node, result)
        draft.change_step(node, early=True)
        draft.event(events.CALLED_EARLY, node)
    else:
        raise CallbackRefused(node, "it was called already" if step.early else f"it is {step.status.value}")
    return accepted(draft, node)


def _open_approval(draft: Draft, step: Step) -> Approval:
    if step.kind != "approval":
        raise Refused(f"{step.node} is of kind {step.kind}; only approvals can be approved or rejected.")
    if not is_open_wait(step) or step.approval is None:
        raise Conflict(f"{step.node} of REQ-{draft.request.id}", step.status.value, *_who_answered(step))
    return step.approval


def _who_answered(step: Step) -> tuple[str | None, float | None, str | None]:
    trigger = step.trigger
    return (
        (trigger.by, trigger.at, trigger.did)
        if trigger is not None and trigger.node == step.node
        else (None, None, None)
    )


def _who_have(mine: tuple[str, ...]) -> str:
    """Of a group, it may have been somebody else."""
    groups = [one for one in mine if one.startswith("@")]
    return f"{' and '.join(groups)} {'have' if len(groups) > 1 else 'has'}" if groups else "You have"


def _reject(draft: Draft, step: Step, act: Act | None = None) -> None:
    """By the rejected path; where there is none, a person must say how to go on. Without an ``act`` time was up."""
    if REJECTED in draft.graph.outlets[step.node]:
        reason = (act.typed or act.reason) if act else "Not enough have approved in time."
        result = {"approved": False, "by": [act.by] if act else [], "reason": reason}
        _conclude(draft, step, Success(json.dumps(result), REJECTED))
    elif act is None:
        _conclude(draft, step, Failure("Nobody rejected it, but not enough have approved in time."))
    else:
        why = f": {act.reason}" if act.reason else ""
        _conclude(draft, step, Failure(f"{act.by} rejected it{why}."))


def _conclude(draft: Draft, step: Step, outcome: Ended) -> None:
    conclude(draft, step, Finished(step.node, step.attempt, outcome), outcome)
