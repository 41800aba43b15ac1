"""What an act would run, told before the person confirms it (SPEC 4). Pure.

A plan is read off the draft in which the act was carried out: whoever wants only the plan throws that draft away. So
the plan cannot say anything else than what the act does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from engine.graph import FAILURE, INSTANT_KINDS, Graph
from engine.records import Request, Step
from engine.rules.allowed import Action
from engine.rules.draft import Draft
from engine.rules.effects import ASKED, may_have_had_effect
from engine.rules.flow import PathState, path_state
from engine.rules.idempotency_keys import issue_of
from engine.states import ENDED, MOVING, NOT_TAKEN, CallEffect, RequestStatus, StepStatus


class Key(StrEnum):
    """The idempotency key that a call would carry. SAME holds as long as the call is rendered as before: one that is
    rendered otherwise needs another key, and is stopped before it leaves where that could be a second effect."""

    FIRST = "first"  # it was never called
    SAME = "same"
    NEW = "new"


class PlannedStep(NamedTuple):
    """A step that will run. ``sure`` False: it depends on a decision or an outcome.

    ``earlier``: what its last call is known to have done; ``key``: what its call would carry, None for steps that call
    nothing; ``repeats``: a call that may have taken effect would be made again under a new key.
    """

    node: str
    kind: str
    sure: bool
    earlier: CallEffect | None
    repeats: bool
    key: Key | None


class Plan(NamedTuple):
    """``stops``: steps under way or blocked that the act cancels or takes back. ``needs_reason``: it is refused without
    one, confirmed or not.

    ``digest`` stands for the state it was made from: an act bound to it does nothing once that state changed.
    """

    request_id: int
    action: Action
    node: str | None
    step_version: int | None
    status: RequestStatus
    runs: tuple[PlannedStep, ...]
    stops: tuple[str, ...]
    needs_confirmation: bool
    needs_reason: bool
    digest: str


def read_plan(
    draft: Draft, action: Action, node: str | None, forgotten: tuple[str, ...] = (), new_key: bool = False
) -> Plan:
    """The plan of the act that ``draft`` holds. ``forgotten``: steps whose effects another version would
    forget."""
    before, runs = draft.steps_before, planned_runs(draft)
    acted = before.get(node) if node else None
    confirm = bool(forgotten) or any(run.repeats for run in runs)
    return Plan(
        draft.before.id,
        action,
        node,
        acted.version if acted else None,
        draft.before.status,
        runs,
        tuple(name for name in before if name != node and _stops(before[name], draft.steps[name])),
        confirm,
        confirm or new_key or action is Action.WITHDRAW,
        state_digest(draft.before, before),
    )


def planned_runs(draft: Draft) -> tuple[PlannedStep, ...]:
    """The steps that will run, or may, because of the act that ``draft`` holds."""
    before = draft.steps_before
    started = [n for n in draft.graph.nodes if _starts(draft.steps[n], before.get(n))]
    chances = _reach(draft, started)
    return tuple(
        _planned(draft.steps[member], before.get(member), chances[name])
        for name in draft.graph.nodes
        if name in chances and draft.graph.nodes[name].kind not in INSTANT_KINDS
        for member in draft.graph.unit(name)
    )


def state_digest(request: Request, steps: Mapping[str, Step]) -> str:
    """Changes whenever the request or one of its steps does."""
    rows = [f"{n}:{s.version}" for n, s in sorted(steps.items())]
    return hashlib.sha256("|".join([str(request.workflow_version), *rows]).encode()).hexdigest()[:16]


def _starts(step: Step, before: Step | None) -> bool:
    return step is not before and step.status is StepStatus.READY


def _stops(before: Step, after: Step) -> bool:
    stopped = after.status in (StepStatus.CANCELLED, StepStatus.PENDING)
    return stopped and before.status in (*MOVING, StepStatus.BLOCKED)


def _planned(step: Step, before: Step | None, sure: bool) -> PlannedStep:
    key = _key(step, before)
    repeats = key is Key.NEW and before is not None and may_have_had_effect(before)
    return PlannedStep(step.node, step.kind, sure, _earlier(before), repeats, key)


def _earlier(before: Step | None) -> CallEffect | None:
    """What its last call did; where an earlier one than that may have worked, that counts."""
    if before is None:
        return None
    worked = before.call is not None and before.call.may_have_taken_effect
    return CallEffect.UNKNOWN if may_have_had_effect(before) and not worked else before.call


def _key(step: Step, before: Step | None) -> Key | None:
    """Functions count once they have taken a key."""
    if step.kind not in ("action", "function"):
        return None
    called = before is not None and (before.call is not None or may_have_had_effect(before))
    if not called or before is None:
        return Key.FIRST if step.kind == "action" else None
    made = before.sent_key or before.effect_key  # under which a call may have taken effect, perhaps visits ago
    issue = (issue_of(made) if made else None) or (before.visit, before.key_salt)
    same = issue == (step.visit, step.key_salt) and before.repeat != ASKED
    return Key.SAME if same else Key.NEW


def _reach(draft: Draft, starts: Iterable[str]) -> dict[str, bool]:
    """The starts, and the pending nodes behind them and behind what the act itself has decided → whether they will
    surely run, when everything succeeds. Behind a path that the act has closed, too: a node there that still waits for
    another path waits for nothing else any more. And on another version those behind what moves by itself: they are
    that version's, from now on."""
    graph, found = draft.graph, dict.fromkeys(starts, True)
    decided = [n for n in graph.nodes if _is_decided(draft.steps[n]) and not _is_decided(draft.steps_before.get(n))]
    frontier = [*(n for n in found if not draft.steps[n].only), *decided]
    if draft.request.workflow_version != draft.before.workflow_version:
        frontier += [n for n in graph.nodes if _moves_on(draft.steps[n])]
    while frontier:
        for edge in graph.outgoing[frontier.pop()]:
            if draft.steps[edge.target].status is StepStatus.PENDING and edge.target not in found:
                found[edge.target] = False
                frontier.append(edge.target)
    settled = {n for n in found if draft.steps[n].status is StepStatus.READY}  # surely run, or surely passed by
    for node in graph.nodes:  # in their order, so that what leads to a node is known before it
        if node in found and node not in settled:
            found[node] = _is_sure(draft, node, found, settled)
    return _less_what_others_may_stop(draft, found)


def _moves_on(step: Step) -> bool:
    """Whether the flow goes on from it once it has ended."""
    return step.status in MOVING and not (step.only or step.stale)


def _is_decided(step: Step | None) -> bool:
    """Whether each path that leads away from it has arrived, or can no longer."""
    if step is None:
        return False
    return step.status in NOT_TAKEN or (step.status in ENDED and not step.held and not step.stale)


def _is_sure(draft: Draft, node: str, found: Mapping[str, bool], settled: set[str]) -> bool:
    """A node waits for every path that may still arrive: it is sure when each is decided, and one surely comes."""
    open_, arrives = [], False
    for edge in draft.graph.incoming[node]:
        state = path_state(edge, draft.steps[edge.source])
        if state is PathState.OPEN:
            open_.append(edge.source)
            arrives = arrives or (found.get(edge.source, False) and _is_the_way(draft.graph, edge.source, edge.outlet))
        arrives = arrives or state is PathState.ARRIVED
    decided = all(source in settled and not draft.steps[source].only for source in open_)
    if decided:
        settled.add(node)
    return decided and arrives


def _less_what_others_may_stop(draft: Draft, found: Mapping[str, bool]) -> dict[str, bool]:
    """An end that cancels others may come first, from here or from a side branch; not before what leads to it. And what
    lies behind a step that runs alone is stale once that has succeeded."""
    graph, steps = draft.graph, draft.steps
    cancelling = [name for name, facts in graph.nodes.items() if facts.cancel_others]
    ends = {end for end in cancelling if steps[end].status is StepStatus.PENDING}
    alone = [name for name in graph.nodes if steps[name].only and steps[name].status in MOVING]
    stale = {behind for name in alone for behind in graph.behind(name)}
    return {
        node: sure and (steps[node].status is StepStatus.READY or (node not in stale and ends <= {*graph.behind(node)}))
        for node, sure in found.items()
    }


def _is_the_way(graph: Graph, node: str, outlet: str) -> bool:
    """Whether a node that succeeds surely leaves by this outlet."""
    return outlet != FAILURE and graph.outlets[node] - {FAILURE} == {outlet}
