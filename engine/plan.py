"""What an act would run, told before the person confirms it (SPEC 4). Pure: from the same rows as the act itself."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from engine.allowed import Action
from engine.draft import Draft
from engine.graph import FAILURE, INSTANT_KINDS, Graph
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
    starts = [node] if node is not None else [n for n in draft.graph.nodes if draft.steps[n].held]
    chances = _reach(draft.graph, starts, node if action in (Action.FLOW, Action.INPUT) else None)
    if action is Action.FLOW:
        held = [n for n in draft.graph.nodes if draft.steps[n].held and n not in chances and n != node]
        chances |= {n: s for n, s in _reach(draft.graph, held, None).items() if n not in chances and n != node}
    if action is Action.RETRIGGER:
        chances = {}
    runs = [_planned(draft, node, True, new_key)] if node and action in (Action.RETRIGGER, Action.FLOW) else []
    runs += [
        _planned(draft, n, chances[n], True)
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


def _planned(draft: Draft, node: str, sure: bool, new_key: bool) -> PlannedStep:
    step = draft.steps[node]
    effect = step.effect_key is not None or step.sent_key is not None
    return PlannedStep(node, step.kind, sure, step.call, new_key and effect)


def _reach(graph: Graph, starts: list[str], acted: str | None) -> dict[str, bool]:
    """Nodes behind ``starts`` → whether they will surely run. ``acted`` is about to run, so it may still fail."""
    sure: dict[str, bool] = {}
    frontier = [(start, True) for start in starts]
    while frontier:
        source, certain = frontier.pop()
        outlets = graph.outlets(source) - {FAILURE}
        for edge in graph.outgoing[source]:
            chance = certain and len(outlets) == 1 and edge.outlet != FAILURE
            if edge.target not in sure or (chance and not sure[edge.target]):
                sure[edge.target] = chance
                frontier.append((edge.target, chance))
    for start in starts:
        sure.pop(start, None)
    return sure
