"""What a request offers and what its plans say, held against what then happens (SPEC 4)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from copy import copy
from typing import NamedTuple

from engine.errors import Refused, RetriggerError
from engine.graph import FAILURE, INSTANT_KINDS, OPEN_KINDS, SUCCESS
from engine.records import Approval
from engine.rules.allowed import Action, request_actions, step_actions
from engine.rules.decide import options
from engine.rules.fence import is_open_wait
from engine.rules.outcomes import Success, Waits
from engine.rules.plan import Key, PlannedStep
from engine.states import MOVING, AttemptKind, CallEffect, RequestStatus, StepStatus
from tests.support.memory import MemoryRequest, act
from tests.support.random_graphs import edited

WHO = "hanna@example.com"
SURE = act(confirmed=True, reason="because")
Ran = dict[str, tuple[int, int]]  # what began → its visit and number


class Offer(NamedTuple):
    """An act that the doors offer; ``node`` None for those of the request. ``onto``: a version that a re-trigger
    names."""

    action: Action
    node: str | None
    onto: options.Onto | None = None


def offers(request: MemoryRequest) -> list[Offer]:
    """What a person may do now, but for Withdraw."""
    found = [
        Offer(action, node)
        for node, step in request.steps.items()
        if node in request.graph.rows
        for action in step_actions(request.request, step, request.graph)
    ]
    general = request_actions(request.request, request.steps)
    return found + [Offer(action, None) for action in general if action is not Action.WITHDRAW]


def on_another_version(request: MemoryRequest, offer: Offer, seed: random.Random) -> Offer:
    """The same with a version that chance has edited, where that may be named."""
    if offer.action not in (Action.RETRIGGER, Action.FLOW):
        return offer
    named = offer._replace(onto=(request.request.workflow_version + 1, edited(request.graph, seed)))
    try:
        request.plan(*named)
    except Refused:  # it lacks what must not be lost
        return offer
    return named


def broken(request: MemoryRequest) -> list[str]:
    """What does not hold of a request as it stands: it hangs, is at a dead end, or offers what it refuses."""
    found, moving = [], any(step.status in MOVING for step in request.steps.values())
    now = offers(request)
    if request.request.status is RequestStatus.IN_PROGRESS and not moving:
        found.append("in progress, and nothing moves")
    if request.request.status is RequestStatus.BLOCKED and not moving and not now:
        found.append("blocked, and nothing is offered")
    for offer in now:
        try:
            request.plan(*offer)
        except RetriggerError as refusal:
            found.append(f"{offer} is refused: {refusal}")
    return found


class Fate(NamedTuple):
    """What comes of each step that runs, each time: those that ``fail``, and the turn that a decision takes, from 0 to
    1. Without a word of it all succeeds, by the first path. ``ticked``: who re-triggers one step ticks the box."""

    fail: frozenset[str] = frozenset()
    turns: Mapping[str, float] = {}
    ticked: bool = False


def any_fate(seed: random.Random, request: MemoryRequest) -> Fate:
    """Chance's."""
    nodes = sorted(request.graph.rows)
    fail = frozenset(node for node in nodes if seed.random() < 0.4)
    return Fate(fail, {node: seed.random() for node in nodes}, seed.random() < 0.5)


def broken_promises(request: MemoryRequest, offer: Offer) -> list[str]:
    """Carry the act out, let everything succeed, and compare what ran with the plan."""
    found, listed, ran = _compared(request, offer, Fate())
    before = {node: (step.visit, step.key_salt) for node, step in request.steps.items()}
    found += [f"{node} was sure and did not run" for node, run in listed.items() if run.sure and node not in ran]
    for node, run in listed.items():
        if node in ran and run.key in (Key.SAME, Key.NEW):
            same = ran[node] == before.get(node)
            if same is not (run.key is Key.SAME) and request.steps[node].repeat is None:
                found.append(f"{node} was to carry the {run.key} key")
    return found


def unlisted(request: MemoryRequest, offer: Offer, fate: Fate) -> list[str]:
    """Carry the act out, and let ``fate`` have its way: what runs then, and would not have run without the act, must
    stand in the plan."""
    return _compared(request, offer, fate)[0]


def _compared(request: MemoryRequest, offer: Offer, fate: Fate) -> tuple[list[str], dict[str, PlannedStep], Ran]:
    """What ran and was not listed; what the plan lists; what ran."""
    plan = request.plan(*offer)
    by_itself, acted = _copy(request), _copy(request)
    _do(acted, offer, fate.ticked)
    ran, anyway = (_go_on(each, len(request.attempts), fate) for each in (acted, by_itself))
    listed = {run.node: run for run in plan.runs}
    silent = {*anyway, *(name for name, facts in acted.graph.nodes.items() if facts.kind in INSTANT_KINDS)}
    silent |= {node for node, step in by_itself.steps.items() if step.cancelled_by}  # its end was kept away
    found = [f"{node} ran and was not listed" for node in ran if node not in listed and node not in silent]
    return found, listed, ran


def _copy(request: MemoryRequest) -> MemoryRequest:
    twin = copy(request)
    for name in ("steps", "versions", "keys", "late", "results", "attempts", "ends", "events", "notices"):
        setattr(twin, name, copy(getattr(request, name)))
    return twin


def _do(request: MemoryRequest, offer: Offer, ticked: bool) -> None:
    action, node, onto = offer
    if action is Action.CONTINUE or node is None:
        request.do(lambda d: options.continue_flow(d, SURE))
    elif action is Action.INPUT:
        request.do(lambda d: options.provide_input(d, SURE, node, "{}"))
    else:
        flow = action is Action.FLOW
        ticked = ticked and not flow
        request.do(lambda d: options.retrigger(d, SURE, node, flow=flow, update_status=ticked, onto=onto))


def _go_on(request: MemoryRequest, begun: int, fate: Fate) -> Ran:
    """Let everything that moves come to its end. Returns what began, each with its visit and number."""
    ran: Ran = {}
    while moving := [node for node, step in request.steps.items() if _can_go_on(request, node)]:
        node = moving[0]
        step = request.steps[node]
        if is_open_wait(step):
            _end_wait(request, node, node in fate.fail)
        elif step.kind in OPEN_KINDS:
            request.wait(node, Waits(approval=Approval((WHO,), "any") if step.kind == "approval" else None, until=0.0))
        else:
            _run(request, node, fate)
        for attempt in request.attempts[begun:]:
            if attempt.kind is not AttemptKind.PROVIDED_INPUT:  # that one called nothing
                its = request.steps[attempt.node]
                ran[attempt.node] = (its.visit, its.key_salt)
    return ran


def _run(request: MemoryRequest, node: str, fate: Fate) -> None:
    if node in fate.fail and request.graph.nodes[node].kind not in INSTANT_KINDS:
        request.fail(node, call=CallEffect.REJECTED)
        return
    number = request.claim(node)
    for inner in request.graph.unit(node)[1:]:
        request.begin_inner(node, inner)
        request.end_inner(node, inner, Success("{}"))
    outlets = sorted({edge.outlet for edge in request.graph.outgoing.get(node, ())} - {FAILURE}) or [SUCCESS]
    request.succeed(node, outlets[int(fate.turns.get(node, 0.0) * len(outlets))], number)


def _can_go_on(request: MemoryRequest, node: str) -> bool:
    step = request.steps[node]
    return is_open_wait(step) or (step.status in (StepStatus.READY, StepStatus.WAITING) and step.due_at is not None)


def _end_wait(request: MemoryRequest, node: str, fails: bool) -> None:
    step = request.steps[node]
    if step.approval is not None:
        for name in [one for one in step.approval.approvers if one not in step.approval.approved]:
            if is_open_wait(request.steps[node]):
                request.answer(node, not fails, name.lower())
    elif step.kind == "callback":
        request.call_back(node)
    else:
        request.pass_time(node)
