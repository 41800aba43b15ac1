"""What a person may do now, and if not, why not and what instead (SPEC 4, *Refused*). Pure.

The buttons of every door and the refusals of every command come from here, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from engine.graph import ANSWERED_KINDS, INPUT_KINDS, Graph
from engine.records import Request, Step
from engine.rules.fence import is_open_wait
from engine.states import ACTIONABLE, FINAL, MOVING, RETRIGGERABLE, RequestStatus, StepStatus
from engine.texts import REMOVED


class Action(StrEnum):
    """Values as in the document of SPEC 8."""

    RETRIGGER = "retrigger"
    FLOW = "flow"
    INPUT = "input"
    CONTINUE = "continue"
    WITHDRAW = "withdraw"


def step_actions(request: Request, step: Step, graph: Graph) -> tuple[Action, ...]:
    """The actions a step offers now."""
    if why_not_retrigger(request, step, graph):
        return ()
    if why_not_input(request, step, graph):
        return (Action.RETRIGGER, Action.FLOW)
    return (Action.RETRIGGER, Action.FLOW, Action.INPUT)


def request_actions(request: Request, steps: Mapping[str, Step]) -> tuple[Action, ...]:
    """The actions the request itself offers now."""
    actions = []
    if not why_not_continue(request, steps):
        actions.append(Action.CONTINUE)
    if not why_not_withdraw(request):
        actions.append(Action.WITHDRAW)
    return tuple(actions)


def why_not_retrigger(request: Request, step: Step, graph: Graph) -> str | None:
    """None when the step may be re-triggered, else the sentence to refuse with."""
    if request.pruned_at is not None:
        return _pruned(request)
    if request.status not in ACTIONABLE:
        why = "which is final, so nothing in it can be re-triggered"
        return f"REQ-{request.id} is {request.status.label}, {why}. {_ANOTHER}"
    if step.node in graph.block_of:
        block = graph.block_of[step.node]
        return f"{step.node} is a part of {block}, which is run as one. Re-trigger {block}."
    if step.stale:
        return (
            f"{step.node} ran before an earlier step was re-triggered alone, so it no longer counts. "
            "Use Continue flow, which decides whether it runs again."
        )
    if step.status in RETRIGGERABLE or (step.kind in ANSWERED_KINDS and is_open_wait(step)):
        return None
    return f"{step.node} is {step.status.value}. {_INSTEAD[step.status]}"


_ANOTHER = "Submit another request instead."
_INSTEAD = {
    StepStatus.BLOCKED: "Re-trigger it instead.",
    StepStatus.FAILED: "Re-trigger it instead.",
    StepStatus.PENDING: "It starts by itself when the steps before it are done.",
    StepStatus.READY: "It is about to run; wait for its outcome.",
    StepStatus.RUNNING: "Wait for its outcome; only blocked and failed steps can be re-triggered.",
    StepStatus.WAITING: "It goes on by itself when its time comes; only blocked and failed steps can be re-triggered.",
    StepStatus.COMPLETED: "Only blocked and failed steps can be re-triggered. With one before it, it may run again.",
    StepStatus.SKIPPED: "It is on a path that was not taken. A step before it that is re-triggered may take it.",
    StepStatus.CANCELLED: "It was cancelled; re-trigger the step before it, or Continue flow.",
}


def _pruned(request: Request) -> str:
    return f"REQ-{request.id} has ended long ago, and its input and results were {REMOVED}. Submit it anew."


def why_not_input(request: Request, step: Step, graph: Graph) -> str | None:
    """None when input may be provided for the step, else the sentence to refuse with."""
    if request.pruned_at is not None:
        return _pruned(request)
    if step.kind not in INPUT_KINDS:
        why = "input can be provided for actions and functions only"
        instead = _INSTEAD[StepStatus.BLOCKED if why_not_retrigger(request, step, graph) is None else step.status]
        return f"{step.node} is of kind {step.kind}; {why}. {instead}"
    if request.status not in ACTIONABLE:
        return f"REQ-{request.id} is {request.status.label}, which is final, so no input is taken. {_ANOTHER}"
    if step.stale or step.node in graph.block_of:
        return why_not_retrigger(request, step, graph)
    if step.status is not StepStatus.BLOCKED:
        why = "input can be provided only while a step is blocked"
        return f"{step.node} is {step.status.value}, and {why}. {_INSTEAD[step.status]}"
    return None


def why_not_continue(request: Request, steps: Mapping[str, Step]) -> str | None:
    """None when there is something held or lost to continue with, else the sentence to refuse with."""
    if request.pruned_at is not None:
        return _pruned(request)
    if request.status not in ACTIONABLE:
        return f"REQ-{request.id} is {request.status.label}, which is final; there is nothing to continue. {_ANOTHER}"
    if any(step.held for step in steps.values()):
        return None
    if any(step.status is StepStatus.BLOCKED and not step.stale for step in steps.values()):
        return "No step is held. Re-trigger the blocked step with its flow, or provide its input."
    if any(step.status in MOVING for step in steps.values()):
        return "The flow is going on by itself; there is nothing to continue."
    if request.status is RequestStatus.BLOCKED:
        return None
    again = ""
    if request.status is RequestStatus.FAILED:
        failed = any(step.status is StepStatus.FAILED and not step.stale for step in steps.values())
        again = " Re-trigger a failed step, with its flow." if failed else f" {_ANOTHER}"
    return f"Nothing is held or lost, so there is nothing to continue.{again}"


def why_not_withdraw(request: Request) -> str | None:
    """None when the request may be withdrawn, else the sentence to refuse with."""
    if request.status in FINAL or request.status is RequestStatus.FAILED:
        done = "What it has done can only be undone in the outside systems."
        return f"REQ-{request.id} is {request.status.label}, which is final, so it cannot be withdrawn. {done}"
    return None
