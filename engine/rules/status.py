"""The request's status as a function of the steps' latest state (SPEC 4, *Recalculated status*). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from engine.graph import Graph
from engine.records import Step
from engine.rules.flow import PathState, path_state
from engine.states import MOVING, RequestStatus, StepStatus
from engine.texts import REMAINING_NOT_STARTED

# Of several ends reached, rejected beats failed beats completed (SPEC 1).
_RANK = (RequestStatus.REJECTED, RequestStatus.FAILED, RequestStatus.COMPLETED)


class Recalculated(NamedTuple):
    """``reason`` only with BLOCKED."""

    status: RequestStatus
    reason: str | None = None


_IN_PROGRESS = Recalculated(RequestStatus.IN_PROGRESS)


def recalculate(graph: Graph, steps: Mapping[str, Step], ended_at: str | None = None) -> Recalculated:
    """Stale steps and ends do not count. ``ended_at``: the held step directly behind which an end counts as reached.

    A held step stands before any end that another branch reached: it can still go on, so the request is not final.
    So can a step that another version brought behind what is done, and that nothing has started yet. A step that runs
    alone is not progress of the request, whose status "stays as it is" meanwhile.
    """
    moves = False
    for node in graph.nodes:  # a block speaks for its inner steps
        step = steps[node]
        if step.status is StepStatus.BLOCKED and not step.stale:
            return Recalculated(RequestStatus.BLOCKED, f"{node}: {step.error or 'blocked'}")
        moves = moves or (step.status in MOVING and not (step.only or step.stale))
    if moves:
        return _IN_PROGRESS
    return _at_rest(graph, steps, ended_at)


def _at_rest(graph: Graph, steps: Mapping[str, Step], ended_at: str | None) -> Recalculated:
    """Where no step blocks the request, and none moves it on."""
    current = [step for node in graph.nodes if not (step := steps[node]).stale]
    reached = {status for step in current if (status := _end_reached(graph, step)) is not None}
    behind = _ends_behind(graph, steps, ended_at)
    held = any((step.held or step.only) and not (behind and step.node == ended_at) for step in current)
    held = held or any(step.cancelled_by and steps[step.cancelled_by].stale for step in current)
    if (reached | behind) and not held and not _could_start(graph, steps):
        if any(step.status in MOVING for step in steps.values()):  # a stale one: it counts for nothing, but it moves
            return _IN_PROGRESS
        return Recalculated(next(status for status in _RANK if status in reached | behind))
    return Recalculated(RequestStatus.BLOCKED, REMAINING_NOT_STARTED)


def _could_start(graph: Graph, steps: Mapping[str, Step]) -> bool:
    """Whether a pending step has all that it waits for: only another version, named by a step-only act, makes one."""
    dead = set[str]()  # pending, and no path to them was taken
    for node in graph.nodes:
        if steps[node].status is StepStatus.PENDING and node != graph.start:
            edges = graph.incoming[node]
            paths = {PathState.DEAD if e.source in dead else path_state(e, steps[e.source]) for e in edges}
            if PathState.OPEN not in paths and PathState.ARRIVED in paths:
                return True
            if paths == {PathState.DEAD}:
                dead.add(node)
    return False


def _end_reached(graph: Graph, step: Step) -> RequestStatus | None:
    return graph.nodes[step.node].end_status if step.status is StepStatus.COMPLETED else None


def _ends_behind(graph: Graph, steps: Mapping[str, Step], node: str | None) -> set[RequestStatus]:
    """The ends that a held step leads to, when it leads to nothing else."""
    if node is None:
        return set()
    targets = [e.target for e in graph.outgoing[node] if e.outlet == steps[node].outlet]
    ends = [graph.nodes[target].end_status for target in targets]
    return {end for end in ends if end is not None} if None not in ends else set()
