"""A person's act, whatever it is: who, bound to which state, and what keeps it from repeating a call by accident."""

from __future__ import annotations

from typing import Any, NamedTuple

from engine import events
from engine.errors import ConfirmationNeeded, Conflict, NoSuchStep, PlanChanged, ReasonNeeded
from engine.records import Event, Step, Trigger
from engine.rules.draft import Draft
from engine.rules.effects import ANY, may_have_had_effect
from engine.rules.plan import planned_runs, state_digest
from engine.states import MOVING, RequestStatus, StepStatus
from engine.texts import CONTINUE_FLOW, EARLIER_CALL


class Act(NamedTuple):
    """A person's act. ``expect_version`` is that of the step, or of the request where no step is acted on (or None:
    whatever it is); ``plan_digest`` binds it to the plan they saw; ``confirmed``: "The earlier call may have taken
    effect" was ticked, which needs a reason. ``typed``: the reason before it was masked, where the workflow goes on
    with it."""

    by: str
    actor: str
    door: str
    reason: str | None = None
    expect_version: int | None = None
    plan_digest: str | None = None
    confirmed: bool = False
    command_id: str | None = None
    bulk: int | None = None  # the bulk re-trigger that the act is a part of
    typed: str | None = None
    away: bool = False  # as in Actor


REHEARSAL = Act("", "", "", reason="only to read its plan", confirmed=True)


class Accepted(NamedTuple):
    """The act is stored. ``step_version`` and ``attempt`` are those the step has now."""

    request_id: int
    node: str | None
    status: RequestStatus
    step_version: int | None = None
    attempt: int | None = None
    repeated: bool = False


def known_step(draft: Draft, node: str) -> Step:
    """The step of that name. Raises NoSuchStep."""
    if node not in draft.steps:
        raise NoSuchStep(node, draft.request.id, draft.steps)
    return draft.steps[node]


def expected(draft: Draft, act: Act, node: str) -> Step:
    """The step, if it is the one that the person saw. Raises NoSuchStep, Conflict, PlanChanged."""
    step = known_step(draft, node)
    if act.expect_version is not None and act.expect_version != step.version:
        raise overtaken(draft, step)
    same_plan(draft, act)
    return step


def expected_request(draft: Draft, act: Act) -> None:
    """Raise Conflict, PlanChanged unless the request is the one that the person saw."""
    request = draft.before
    if act.expect_version is not None and act.expect_version != request.version:
        triggers = [step.trigger for step in draft.steps_before.values() if step.trigger is not None]
        last = max(triggers, key=lambda trigger: trigger.at, default=None)
        who = (last.by, last.at, last.did) if last is not None else ()
        raise Conflict(f"REQ-{request.id}", request.status.value, *who)
    same_plan(draft, act)


def same_plan(draft: Draft, act: Act) -> None:
    """Raise PlanChanged unless the state is the one that the plan was made from."""
    if act.plan_digest is not None and act.plan_digest != state_digest(draft.before, draft.steps_before):
        raise PlanChanged(draft.request.id)


def same_version(draft: Draft, checked: int | None) -> None:
    """Raise PlanChanged where a re-trigger has named another version since something was checked by ``checked``."""
    if checked not in (None, draft.request.workflow_version):
        raise PlanChanged(draft.request.id)


def overtaken(draft: Draft, step: Step) -> Conflict:
    """The step is not as the person saw it: who acted on it since, if anybody did (SPEC 5)."""
    what, trigger = f"{step.node} of REQ-{draft.request.id}", step.trigger
    why = f"{what} is now {step.status.value}, and held until {CONTINUE_FLOW}." if step.held else None
    if trigger is None or trigger.node != step.node:
        return Conflict(what, step.status.value, why=why)
    return Conflict(what, step.status.value, trigger.by, trigger.at, trigger.did, why)


def too_late(draft: Draft, step: Step) -> Conflict | None:
    """Somebody acted on the step, and it has not come back to a person since: they were first (SPEC 5)."""
    first = (
        step.trigger is not None and step.trigger.node == step.node and step.status in (*MOVING, StepStatus.COMPLETED)
    )
    return overtaken(draft, step) if first else None


def with_reason(act: Act, why: str) -> None:
    """Raise ReasonNeeded, which says ``why``, unless the person gave one."""
    if not (act.reason or "").strip():
        raise ReasonNeeded(why)


def allow_repeats(draft: Draft, act: Act, node: str | None, forgotten: tuple[str, ...] = ()) -> None:
    """No one repeats a payment by accident: what the draft would repeat needs the tick and a reason.

    ``forgotten``: steps whose calls another version would make under another name or as another kind of step. Raises
    ConfirmationNeeded, and the draft with all that it holds is dropped.
    """
    repeated = tuple(run.node for run in planned_runs(draft) if run.repeats)
    if (repeated or forgotten) and not (act.confirmed and (act.reason or "").strip()):
        raise ConfirmationNeeded(tuple(dict.fromkeys((*forgotten, *repeated))))
    if act.confirmed:
        with_reason(act, f'"{EARLIER_CALL}" needs a reason with it: why may it be repeated?')
        unit = draft.graph.unit(node) if node is not None else ()
        acted = [name for name in unit if may_have_had_effect(draft.steps[name])]
        for name in dict.fromkeys((*repeated, *acted)):
            draft.change_step(name, repeat=ANY)


def trigger_of(draft: Draft, act: Act, kind: str, node: str | None) -> Trigger:
    """The act as the steps that run because of it remember it."""
    error = draft.steps[node].error if node else None
    person, joined = (act.by, act.actor, act.door), (act.bulk, act.command_id, act.away)
    return Trigger(*person, events.DID[kind], node, draft.now, act.reason, error, *joined)


def audit(draft: Draft, act: Act, kind: str, node: str | None, attempt: int | None = None, **data: Any) -> Event:
    """Put the act into the audit, with those facts that are true or given."""
    of_act = {"confirmed": act.confirmed, "bulk": act.bulk, "away": act.away}
    facts = {name: value for name, value in {**data, **of_act}.items() if value}
    return draft.event(
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


def accepted(draft: Draft, node: str | None) -> Accepted:
    """The answer to the person."""
    step = draft.steps[node] if node else None
    return Accepted(
        draft.request.id,
        node,
        draft.request.status,
        step.version if step else None,
        step.attempt if step else None,
    )
