"""What a person can do: the three options, Continue flow and Withdraw, by the rules of SPEC 4 and 5."""

from __future__ import annotations

from engine import events
from engine.errors import Refused
from engine.graph import SUCCESS, Graph
from engine.records import Attempt, AttemptEnd, Trigger
from engine.rules.allowed import Action, why_not_continue, why_not_input, why_not_retrigger, why_not_withdraw
from engine.rules.decide.act import (
    REHEARSAL,
    Accepted,
    Act,
    accepted,
    allow_repeats,
    audit,
    expected,
    expected_request,
    same_version,
    too_late,
    trigger_of,
    with_reason,
)
from engine.rules.decide.finish import complete, move_on
from engine.rules.decide.versions import use_version
from engine.rules.draft import Draft
from engine.rules.fence import end_attempt
from engine.rules.flow import arrive, cancel, missing_paths, release_held, rewind, settle, settle_again
from engine.rules.plan import Plan, read_plan
from engine.rules.telling import tell_given_up
from engine.states import ENDED, AttemptKind, AttemptOutcome, RequestStatus, StepStatus

Onto = tuple[int, Graph]


def retrigger(
    draft: Draft,
    act: Act,
    node: str,
    *,
    flow: bool,
    update_status: bool = False,
    new_key: bool = False,
    onto: Onto | None = None,
) -> Accepted:
    """Re-trigger (this step only), or Re-trigger step and flow. ``onto`` names another version to go on with."""
    forgotten = _retrigger(draft, act, node, flow=flow, update_status=update_status, new_key=new_key, onto=onto)
    allow_repeats(draft, act, node, forgotten)
    if new_key:
        with_reason(act, "A new key needs a reason: with it the outside system takes the call for another one.")
    return accepted(draft, node)


def _retrigger(
    draft: Draft, act: Act, node: str, *, flow: bool, update_status: bool, new_key: bool, onto: Onto | None
) -> tuple[str, ...]:
    """Returns the steps whose effects the version ``onto`` would forget."""
    step = expected(draft, act, node)
    refusal = why_not_retrigger(draft.request, step, draft.graph)
    if refusal:
        raise too_late(draft, step) or Refused(refusal)
    if onto is not None and node not in onto[1].nodes:
        raise Refused(f"Version {onto[0]} has no step {node}. A re-trigger names a step that both versions have.")
    end_attempt(draft, node)  # of a waiting approval or callback: a new one is issued, the old is void
    forgotten = use_version(draft, *onto, acted=node, flow=flow) if onto is not None else ()
    kind = events.RETRIGGERED_FLOW if flow else events.RETRIGGERED
    trigger = trigger_of(draft, act, kind, node)
    version = onto[0] if onto is not None else None
    how = {"update_status": update_status, "new_key": new_key, "version": version}
    event = audit(draft, act, kind, node, step.attempt + 1, **how)
    tell_given_up(draft, step, event)  # of a waiting step: whoever had it issued
    _run_again(draft, node, trigger, only=not flow, update_status=update_status and not flow, new_key=new_key)
    if flow:  # now that its old outcome counts no more: with it, what is let go of would reach what lies behind both
        rewind(draft, node, trigger)
        release_held(draft, trigger)
        settle_again(draft, trigger)  # nodes that a version, perhaps an earlier act's, brought behind what is done
        draft.change_request(RequestStatus.IN_PROGRESS, None)
        if not draft.moving():  # what was let go of has reached an end that cancels others, this step among them
            move_on(draft)
    return forgotten


def _run_again(draft: Draft, node: str, trigger: Trigger, *, only: bool, update_status: bool, new_key: bool) -> None:
    """A person's re-trigger opens a fresh budget of retries and of recoveries."""
    step = draft.steps[node]
    reissued = new_key or step.kind == "callback"  # its address is made of the same number
    draft.change_step(
        node,
        status=StepStatus.READY,
        due_at=draft.now,
        next_kind=AttemptKind.RETRIGGER,
        retries=0,
        recoveries=0,
        only=only,
        update_status=update_status,
        was=draft.steps_before[node].status,
        held=False,
        early=False,
        key_salt=step.key_salt + (1 if reissued else 0),
        trigger=trigger,
    )
    for name in draft.graph.unit(node)[1:]:
        inner = draft.steps[name]
        draft.change_step(name, retries=0, key_salt=inner.key_salt + (1 if new_key else 0))


def provide_input(draft: Draft, act: Act, node: str, result: str, checked: int | None = None) -> Accepted:
    """The JSON text ``result`` becomes the step's result, without a call, and the flow goes on. ``checked``: the
    version by whose schema it was found to fit."""
    step = expected(draft, act, node)
    refusal = why_not_input(draft.request, step, draft.graph)
    if refusal:
        raise too_late(draft, step) or Refused(refusal)
    same_version(draft, checked)
    trigger = trigger_of(draft, act, events.INPUT_PROVIDED, node)
    number = step.attempt + 1
    audit(draft, act, events.INPUT_PROVIDED, node, number)
    version = draft.request.workflow_version
    kind = AttemptKind.PROVIDED_INPUT
    draft.attempts.append(Attempt(step.request_id, node, number, kind, step.visit, version, None, draft.now, trigger))
    draft.ends.append(AttemptEnd(step.request_id, node, number, AttemptOutcome.SUCCEEDED, draft.now))
    draft.change_step(node, attempt=number, trigger=trigger, held=False, only=False)
    draft.set_result(node, result)
    draft.event(events.COMPLETED, node, attempt=number)
    rewind(draft, node, trigger)
    complete(draft, node, SUCCESS)
    allow_repeats(draft, act, node)
    return accepted(draft, node)


def continue_flow(draft: Draft, act: Act) -> Accepted:
    """Release what is held, and run what step and flow would have run; where nothing is held, mend what was lost."""
    expected_request(draft, act)
    refusal = why_not_continue(draft.request, draft.steps)
    if refusal:
        raise Refused(refusal)
    trigger = trigger_of(draft, act, events.CONTINUED, None)
    audit(draft, act, events.CONTINUED, None)
    released, mended = release_held(draft, trigger), settle_again(draft, trigger)
    if not released and not mended and not _open(draft, trigger):
        raise Refused("Nothing is held and no step can be started. Withdraw the request, or re-trigger a failed step.")
    if draft.request.status is RequestStatus.FAILED and draft.moving():
        draft.change_request(RequestStatus.IN_PROGRESS, None)
    move_on(draft)
    allow_repeats(draft, act, None)
    return accepted(draft, None)


def _open(draft: Draft, trigger: Trigger) -> str | None:
    """Open the first node that waits for what does not come (SPEC 3.5); stale steps before it count again."""
    for node in draft.graph.nodes:
        if draft.steps[node].status is not StepStatus.PENDING:
            continue
        for source in missing_paths(draft, node):
            if draft.steps[source].stale and draft.steps[source].status in ENDED:
                draft.change_step(source, stale=False)
        if missing_paths(draft, node) or node == draft.graph.start:
            arrive(draft, draft.steps[node], trigger)
            settle(draft, [node], trigger)
        else:
            settle_again(draft, trigger)
        return node
    return None


def withdraw(draft: Draft, act: Act) -> Accepted:
    """End the request; what runs is fenced off."""
    expected_request(draft, act)
    refusal = why_not_withdraw(draft.request)
    if refusal:
        raise Refused(refusal)
    with_reason(act, "Withdrawing a request needs a reason.")
    audit(draft, act, events.WITHDRAWN, None)
    cancel(draft, list(draft.graph.nodes))
    draft.change_request(RequestStatus.WITHDRAWN, act.reason)
    return accepted(draft, None)


def rehearse(
    draft: Draft,
    action: Action,
    node: str | None,
    new_key: bool = False,
    onto: Onto | None = None,
    expect_version: int | None = None,
) -> Plan:
    """Carry the act out in a draft that is thrown away, and read its plan. Raises what the act would, but for want of a
    confirmation or a reason: the plan says whether it needs them."""
    act = REHEARSAL._replace(expect_version=expect_version)
    forgotten: tuple[str, ...] = ()
    if action is Action.CONTINUE or node is None:
        (withdraw if action is Action.WITHDRAW else continue_flow)(draft, act)
    elif action is Action.INPUT:
        provide_input(draft, act, node, "null")
    else:
        flow = action is Action.FLOW
        forgotten = _retrigger(draft, act, node, flow=flow, update_status=False, new_key=new_key, onto=onto)
    return read_plan(draft, action, node, forgotten, new_key)
