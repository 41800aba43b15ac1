"""What follows when a step has left by one of its outlets. Pure: works on a Draft, asks nothing else.

The rule (SPEC 10): a node waits until every path that leads to it has arrived or can no longer arrive. It becomes
ready when at least one arrived, and is not taken when none did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from engine import events
from engine.draft import Draft
from engine.effects import cut_short
from engine.graph import INSTANT_KINDS, SUCCESS, Edge
from engine.records import AttemptEnd, Cause, Step
from engine.states import ENDED, MOVING, NOT_TAKEN, AttemptKind, AttemptOutcome, CallEffect, StepStatus


class Path(Enum):
    """What is known of one edge."""

    OPEN = "open"  # may still arrive
    ARRIVED = "arrived"
    DEAD = "dead"  # can no longer arrive


def path_state(edge: Edge, source: Step) -> Path:
    """A held or stale step has not let anything pass yet (SPEC 4, *Step only, succeeds*)."""
    if source.status in NOT_TAKEN:
        return Path.DEAD
    if source.status in ENDED and not source.held and not source.stale:
        return Path.ARRIVED if source.outlet == edge.outlet else Path.DEAD
    return Path.OPEN


def missing_paths(draft: Draft, node: str) -> tuple[str, ...]:
    """The steps that a pending node still waits for."""
    edges = draft.graph.incoming[node]
    return tuple(e.source for e in edges if path_state(e, draft.steps[e.source]) is Path.OPEN)


def settle(draft: Draft, sources: Iterable[str], cause: Cause | None = None) -> None:
    """Let everything that follows from ``sources`` happen: nodes behind them become ready, done or not taken.

    ``cause`` is the act behind it, kept by steps that run again because of it.
    """
    graph = draft.graph
    frontier = [edge.target for source in sources for edge in graph.outgoing[source]]
    while frontier:
        node = frontier.pop()
        step = draft.steps[node]
        if step.status is not StepStatus.PENDING:
            continue
        paths = {path_state(edge, draft.steps[edge.source]) for edge in graph.incoming[node]}
        if Path.OPEN in paths:
            continue
        if Path.ARRIVED in paths:
            _arrive(draft, step, cause)
        else:
            ran = step.attempt > 0 or step.visit > 1
            draft.change_step(node, status=StepStatus.CANCELLED if ran else StepStatus.SKIPPED)
        if draft.steps[node].status is not StepStatus.READY:
            frontier.extend(edge.target for edge in graph.outgoing[node])


def _arrive(draft: Draft, step: Step, cause: Cause | None) -> None:
    facts = draft.graph.nodes[step.node]
    if facts.kind not in INSTANT_KINDS:
        draft.change_step(
            step.node,
            status=StepStatus.READY,
            due_at=draft.now,
            next_kind=AttemptKind.INITIAL,
            retries=0,
            recoveries=0,
            cause=cause,
        )
        return
    draft.change_step(step.node, status=StepStatus.COMPLETED, outlet=SUCCESS, cause=cause)
    draft.event(events.COMPLETED, step.node)
    if facts.cancel_others:
        cancel(draft, [n for n, s in draft.steps.items() if n != step.node and _can_move(s)], by_end=True)


def _can_move(step: Step) -> bool:
    return step.status in MOVING or step.status in (StepStatus.PENDING, StepStatus.BLOCKED) or step.held


def cancel(draft: Draft, nodes: Iterable[str], by_end: bool = False) -> None:
    """Fence these steps off: what runs loses its right to write, what waits will not start."""
    for node in nodes:
        step = draft.steps[node]
        if step.held:
            draft.change_step(node, held=False)
        if step.status in MOVING or step.status in (StepStatus.PENDING, StepStatus.BLOCKED):
            fenced = end_running(draft, step)
            draft.change_step(node, status=StepStatus.CANCELLED, due_at=None, worker=None, lease_until=None, **fenced)
            if step.attempt:
                draft.event(events.CANCELLED, node, attempt=step.attempt, data={"by_end": by_end})


def end_running(draft: Draft, step: Step) -> dict[str, Any]:
    """Close the attempt of a running step; a result that still comes is late evidence. Gives the fields to change."""
    if step.status is not StepStatus.RUNNING:
        return {}
    call = CallEffect.UNKNOWN if step.sent_key else None
    end = AttemptEnd(step.request_id, step.node, step.attempt, AttemptOutcome.CANCELLED, draft.now, call=call)
    draft.ends.append(end)
    return {**cut_short(step), "call": call or step.call}


def rewind(draft: Draft, node: str) -> None:
    """Take back everything behind ``node``, so that its new outcome decides afresh; history stays in the attempts.

    Side branches are not behind it, so they are left alone, and a merge counts the ones that are done.
    """
    for name in draft.graph.behind(node):
        step = draft.steps[name]
        if step.status is StepStatus.PENDING and not step.stale:
            continue
        fenced = end_running(draft, step)
        ran = step.attempt > 0 or step.status in ENDED
        if step.status is StepStatus.COMPLETED:
            draft.set_result(name, None)  # nothing behind may read what no longer holds
        draft.change_step(
            name,
            status=StepStatus.PENDING,
            visit=step.visit + 1 if ran else step.visit,
            error=None,
            due_at=None,
            worker=None,
            lease_until=None,
            outlet=None,
            held=False,
            stale=False,
            only=False,
            was=None,
            **fenced,
        )


def mark_stale(draft: Draft, node: str) -> None:
    """Steps behind a step that was run again alone, and that ran before: left alone, and marked (SPEC 4)."""
    for name in draft.graph.behind(node):
        step = draft.steps[name]
        if step.status not in (StepStatus.PENDING, *NOT_TAKEN) and not step.stale:
            draft.change_step(name, stale=True)


def release_held(draft: Draft, cause: Cause) -> tuple[str, ...]:
    """Let go of every held step, as step and flow would have. Returns the steps released, in the graph's order.

    Held steps behind the step that is acted on stay: its outcome decides about them.
    """
    behind = draft.graph.behind(cause.node) if cause.node else ()
    held = tuple(node for node in draft.graph.nodes if draft.steps[node].held and node not in behind)
    for node in held:
        if not draft.steps[node].held:  # an earlier held step, of which this one is behind, took it back
            continue
        rewind(draft, node)
        draft.change_step(node, held=False)
        settle(draft, [node], cause)
    return held


def cut_off(draft: Draft, steps: Mapping[str, Step]) -> tuple[str, ...]:
    """Pending nodes all of whose paths are decided: a wake-up was lost, settling them again mends it."""
    return tuple(n for n, s in steps.items() if s.status is StepStatus.PENDING and not missing_paths(draft, n))
