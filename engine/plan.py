"""What an act would run, told before the person confirms it (SPEC 4). Pure: from the same rows as the act itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from engine.allowed import Action
from engine.draft import Draft
from engine.effects import ASKED, may_have_had_one
from engine.graph import FAILURE, INSTANT_KINDS, SUCCESS, Graph
from engine.states import CallEffect, RequestStatus


class PlannedStep(NamedTuple):
    """A step that will run. ``sure`` False: it depends on a decision or an outcome.

    ``earlier``: what its last call is known to have done; ``repeats``: a call that may have taken effect would be made
    again under a new key.
    """

    node: str
    kind: str
    sure: bool
    earlier: CallEffect | None
    repeats: bool


class Plan(NamedTuple):
    """``digest`` stands for the state it was made from: an act bound to it does nothing once that state changed."""

    request_id: int
    action: Action
    node: str | None
    step_version: int | None
    status: RequestStatus
    runs: tuple[PlannedStep, ...]
    needs_confirmation: bool
    digest: str


def make_plan(draft: Draft, action: Action, node: str | None, new_key: bool = False) -> Plan:
    """The plan of an act. ``draft`` is only read."""
    chances = _behind(draft, action, node)
    runs = []
    if node is not None and action is not Action.INPUT:
        stopped = draft.steps[node].repeat == ASKED
        runs.append(_planned(draft, node, sure=True, other_key=new_key or stopped))
    runs += [
        _planned(draft, n, chances[n], other_key=True)
        for n in draft.graph.nodes
        if n in chances and draft.graph.nodes[n].kind not in INSTANT_KINDS
    ]
    return Plan(
        draft.request.id,
        action,
        node,
        draft.steps[node].version if node else None,
        draft.request.status,
        tuple(runs),
        any(run.repeats for run in runs),
        state_digest(draft),
    )


def state_digest(draft: Draft) -> str:
    """Changes whenever the request or one of its steps does."""
    rows = [f"{n}:{s.version}" for n, s in sorted(draft.steps.items())]
    return hashlib.sha256("|".join([str(draft.request.workflow_version), *rows]).encode()).hexdigest()[:16]


def _behind(draft: Draft, action: Action, node: str | None) -> dict[str, bool]:
    """What runs behind the step that is acted on, and behind the held steps that are let go with it."""
    if action is Action.RETRIGGER:
        return {}
    starts: dict[str, str | None] = {}
    if node is not None:
        starts[node] = SUCCESS if action is Action.INPUT else None
    behind = draft.graph.behind(node) if node is not None else ()
    if action is not Action.INPUT:
        held = [n for n in draft.graph.nodes if draft.steps[n].held and n not in behind]
        starts |= {n: draft.steps[n].outlet for n in held}
    return _reach(draft.graph, starts)


def _planned(draft: Draft, node: str, sure: bool, other_key: bool) -> PlannedStep:
    step = draft.steps[node]
    return PlannedStep(node, step.kind, sure, step.call, other_key and may_have_had_one(step))


def _reach(graph: Graph, starts: Mapping[str, str | None]) -> dict[str, bool]:
    """Nodes behind ``starts`` → whether they will surely run. A start's outlet is given when it is known."""
    sure: dict[str, bool] = {}
    frontier = [(start, outlet, True) for start, outlet in starts.items()]
    while frontier:
        source, outlet, certain = frontier.pop()
        ways = graph.outlets(source) - {FAILURE}
        for edge in graph.outgoing[source]:
            if outlet not in (None, edge.outlet):
                continue
            chance = certain and (outlet is not None or (len(ways) == 1 and edge.outlet != FAILURE))
            if edge.target not in sure or (chance and not sure[edge.target]):
                sure[edge.target] = chance
                frontier.append((edge.target, None, chance))
    return {node: chance for node, chance in sure.items() if node not in starts}
