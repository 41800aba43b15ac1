"""What a person does: the three options, Continue flow and Withdraw, by the rules of SPEC 4 and 5."""

from __future__ import annotations

from typing import NamedTuple

from engine import events
from engine.allowed import Action, why_not_continue, why_not_input, why_not_retrigger, why_not_withdraw
from engine.decide.finish import complete, move_on
from engine.draft import Draft
from engine.effects import ANY, may_have_had_one
from engine.errors import ConfirmationNeeded, Conflict, NotFound, PlanChanged, Refused
from engine.flow import cancel, cut_off, release_held, rewind, settle
from engine.graph import SUCCESS, Graph
from engine.plan import make_plan, state_digest
from engine.records import Attempt, AttemptEnd, Cause, Step
from engine.states import (
    ENDED,
    AttemptKind,
    AttemptOutcome,
    RequestStatus,
    StepStatus,
)
from engine.texts import EARLIER_CALL


class Act(NamedTuple):
    """A person's act. ``expect_version`` is that of the step (or None: whatever it is); ``plan_digest`` binds it to
    the plan they saw; ``confirmed``: "The earlier call may have taken effect" was ticked, which needs a reason."""

    by: str
    actor: str
    door: str
    reason: str | None = None
    expect_version: int | None = None
    plan_digest: str | None = None
    confirmed: bool = False
    command_id: str | None = None


class Accepted(NamedTuple):
    """The act is stored. ``step_version`` and ``attempt`` are those the step has now."""

    request_id: int
    node: str | None
    status: RequestStatus
    step_version: int | None = None
    attempt: int | None = None
    repeated: bool = False


def retrigger(
    draft: Draft,
    act: Act,
    node: str,
    *,
    flow: bool,
    update_status: bool = False,
    new_key: bool = False,
    onto: tuple[int, Graph] | None = None,
) -> Accepted:
    """Re-trigger (this step only), or Re-trigger step and flow. ``onto`` names another version to go on with."""
    _expected(draft, act, node)
    if onto is not None:
        use_version(draft, act.confirmed, *onto)
    step = _known(draft, node)
    refusal = why_not_retrigger(draft.request, step)
    if refusal:
        raise Refused(refusal)
    _allow_repeats(draft, act, Action.FLOW if flow else Action.RETRIGGER, node, new_key)
    did = "re-triggered step and flow" if flow else "re-triggered"
    cause = _cause(draft, act, did, node)
    kind = events.RETRIGGERED_FLOW if flow else events.RETRIGGERED
    _audit(draft, act, kind, node, update_status=update_status, new_key=new_key, version=onto[0] if onto else None)
    if flow:
        release_held(draft, cause)
        rewind(draft, node)
    draft.change_step(
        node,
        status=StepStatus.READY,
        due_at=draft.now,
        next_kind=AttemptKind.RETRIGGER,
        retries=0,
        recoveries=0,
        only=not flow,
        update_status=update_status and not flow,
        was=step.status,
        held=False,
        key_salt=step.key_salt + (1 if new_key else 0),
        cause=cause,
    )
    if flow:
        draft.change_request(RequestStatus.IN_PROGRESS, None)
    return _accepted(draft, node)


def provide_input(draft: Draft, act: Act, node: str, result: str) -> Accepted:
    """The JSON text ``result`` becomes the step's result, without a call, and the flow goes on."""
    step = _expected(draft, act, node)
    refusal = why_not_input(draft.request, step)
    if refusal:
        raise Refused(refusal)
    _allow_repeats(draft, act, Action.INPUT, node, new_key=False)
    cause = _cause(draft, act, "provided input", node)
    _audit(draft, act, events.INPUT_PROVIDED, node)
    number = step.attempt + 1
    draft.attempts.append(
        Attempt(
            step.request_id,
            node,
            number,
            AttemptKind.PROVIDED_INPUT,
            step.visit,
            draft.request.workflow_version,
            None,
            draft.now,
            cause,
        )
    )
    draft.ends.append(AttemptEnd(step.request_id, node, number, AttemptOutcome.SUCCEEDED, draft.now))
    draft.change_step(node, attempt=number, cause=cause, held=False, only=False)
    draft.set_result(node, result)
    draft.event(events.COMPLETED, node, attempt=number)
    rewind(draft, node)
    complete(draft, node, SUCCESS)
    return _accepted(draft, node)


def continue_flow(draft: Draft, act: Act) -> Accepted:
    """Release what is held, and run what step and flow would have run; where nothing is held, mend what was lost."""
    if act.plan_digest is not None and act.plan_digest != state_digest(draft):
        raise PlanChanged(draft.request.id)
    refusal = why_not_continue(draft.request, draft.steps, draft.graph)
    if refusal:
        raise Refused(refusal)
    _allow_repeats(draft, act, Action.CONTINUE, None, new_key=False)
    cause = _cause(draft, act, "continued the flow", None)
    _audit(draft, act, events.CONTINUED, None)
    if not release_held(draft, cause):
        _mend(draft, cause)
    if draft.request.status is RequestStatus.FAILED and draft.moving():
        draft.change_request(RequestStatus.IN_PROGRESS, None)
    move_on(draft)
    return _accepted(draft, None)


def withdraw(draft: Draft, act: Act) -> Accepted:
    """End the request; what runs is fenced off."""
    refusal = why_not_withdraw(draft.request)
    if refusal:
        raise Refused(refusal)
    if not (act.reason or "").strip():
        raise Refused("Withdrawing a request needs a reason.")
    _audit(draft, act, events.WITHDRAWN, None)
    cancel(draft, list(draft.graph.nodes))
    draft.change_request(RequestStatus.WITHDRAWN, act.reason)
    return _accepted(draft, None)


def use_version(draft: Draft, confirmed: bool, version: int, graph: Graph) -> tuple[str, ...]:
    """Go on with another version of the workflow; the steps already done must exist in it (SPEC 4).

    Returns the steps it lacks whose calls may have taken effect: under another name, each would be another call.
    """
    if version == draft.request.workflow_version:
        return ()
    present = [node for node in draft.graph.nodes if node in draft.steps]
    gone = [node for node in present if node not in graph.nodes]
    lacking = [node for node in gone if draft.steps[node].status in ENDED]
    if lacking:
        raise Refused(
            f"Version {version} lacks steps that are already done: {', '.join(lacking)}. "
            "Publish a version that has them, or go on with the present one."
        )
    risky = tuple(node for node in gone if may_have_had_one(draft.steps[node]))
    if risky and not confirmed:
        raise ConfirmationNeeded(risky)
    cancel(draft, gone)
    for node, facts in graph.nodes.items():
        if node not in draft.steps:
            draft.add_step(node, facts.kind)
        elif node not in draft.graph.nodes:
            _bring_back(draft, draft.steps[node], facts.kind)
        elif draft.steps[node].kind != facts.kind:
            draft.change_step(node, kind=facts.kind)
    draft.change_version(version, graph)
    return risky


def _bring_back(draft: Draft, step: Step, kind: str) -> None:
    """A node that a version between lacked: its row has kept its count of attempts and the effects of its calls."""
    visit = step.visit + 1 if step.attempt else step.visit
    draft.change_step(step.node, status=StepStatus.PENDING, kind=kind, visit=visit, stale=False, error=None)


def _mend(draft: Draft, cause: Cause) -> None:
    """A wake-up was lost: settle again whatever is decided; else open the first merge that waits for nothing living."""
    lost = cut_off(draft, draft.steps)
    settle(draft, {edge.source for node in lost for edge in draft.graph.incoming[node]}, cause)
    if not lost:
        raise Refused("Nothing is held and no step can be started. Withdraw the request, or re-trigger a failed step.")


def _known(draft: Draft, node: str) -> Step:
    if node not in draft.steps:
        raise NotFound("step", node, f"REQ-{draft.request.id} has: {', '.join(draft.steps)}.")
    return draft.steps[node]


def _expected(draft: Draft, act: Act, node: str) -> Step:
    """The step, if it is the one that the person saw."""
    step = _known(draft, node)
    if act.expect_version is not None and act.expect_version != step.version:
        raise _overtaken(draft, step)
    if act.plan_digest is not None and act.plan_digest != state_digest(draft):
        raise PlanChanged(draft.request.id)
    return step


def _overtaken(draft: Draft, step: Step) -> Conflict:
    """The step is not as the person saw it: who acted on it since, if anybody did (SPEC 5)."""
    what, cause = f"{step.node} of REQ-{draft.request.id}", step.cause
    if cause is None or cause.node != step.node:
        return Conflict(what, step.status.value)
    return Conflict(what, step.status.value, cause.by, cause.at, cause.did)


def _allow_repeats(draft: Draft, act: Act, action: Action, node: str | None, new_key: bool) -> None:
    """No one repeats a payment by accident: a call that may have taken effect needs the tick and a reason."""
    reason = (act.reason or "").strip()
    repeated = tuple(run.node for run in make_plan(draft, action, node, new_key).runs if run.repeats)
    if repeated and not (act.confirmed and reason):
        raise ConfirmationNeeded(repeated)
    if act.confirmed and not reason:
        raise Refused(f'"{EARLIER_CALL}" needs a reason with it: why may it be repeated?')
    if act.confirmed:
        acted = (node,) if node is not None and may_have_had_one(draft.steps[node]) else ()
        for name in {*repeated, *acted}:
            draft.change_step(name, repeat=ANY)


def _cause(draft: Draft, act: Act, did: str, node: str | None) -> Cause:
    error = draft.steps[node].error if node else None
    return Cause(act.by, act.actor, act.door, did, node, draft.now, act.reason, error)


def _audit(draft: Draft, act: Act, kind: str, node: str | None, **data: bool | int | None) -> None:
    attempt = draft.steps[node].attempt + 1 if node else None
    facts = {name: value for name, value in (*data.items(), ("confirmed", act.confirmed)) if value}
    draft.event(
        kind,
        node,
        attempt=attempt,
        by=act.by,
        actor=act.actor,
        door=act.door,
        reason=act.reason,
        data=facts or None,
        command_id=act.command_id,
    )


def _accepted(draft: Draft, node: str | None) -> Accepted:
    step = draft.steps[node] if node else None
    return Accepted(
        draft.request.id,
        node,
        draft.request.status,
        step.version if step else None,
        step.attempt if step else None,
    )
