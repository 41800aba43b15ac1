"""What follows when a step has left by one of its outlets. Pure: works on a Draft, asks nothing else.

The rule (SPEC 10): a node waits until every path that leads to it has arrived or can no longer arrive. It becomes
ready when at least one arrived, and is not taken when none did.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import Enum

from engine import events
from engine.graph import INSTANT_KINDS, SUCCESS, Edge
from engine.records import Step, Trigger
from engine.rules.draft import Draft
from engine.rules.fence import end_attempt
from engine.rules.telling import tell_given_up
from engine.states import ENDED, MOVING, NOT_TAKEN, AttemptKind, StepStatus


class PathState(Enum):
    """What is known of one edge."""

    OPEN = "open"  # may still arrive
    ARRIVED = "arrived"
    DEAD = "dead"  # can no longer arrive


def path_state(edge: Edge, source: Step) -> PathState:
    """A held or stale step has not let anything pass yet (SPEC 4, *Step only, succeeds*)."""
    if source.status in NOT_TAKEN:
        return PathState.DEAD
    if source.status in ENDED and not source.held and not source.stale:
        return PathState.ARRIVED if source.outlet == edge.outlet else PathState.DEAD
    return PathState.OPEN


def missing_paths(draft: Draft, node: str) -> tuple[str, ...]:
    """The steps that a pending node still waits for, one whose row is gone among them: nothing goes on without it."""
    sources = ((edge, draft.steps.get(edge.source)) for edge in draft.graph.incoming[node])
    return tuple(e.source for e, step in sources if step is None or path_state(e, step) is PathState.OPEN)


def settle(
    draft: Draft, sources: Iterable[str], trigger: Trigger | None = None, only: Collection[str] | None = None
) -> None:
    """Let everything that follows from ``sources`` happen: nodes behind them become ready, done or not taken.

    ``trigger`` is the act behind it, kept by steps that run again because of it. Sources are taken in the graph's
    order, whatever order they come in: the audit must find that the same follows from the same. ``only``: of the nodes
    directly behind them.
    """
    graph, ends = draft.graph, []
    ordered = sorted(sources, key=graph.position.__getitem__)
    frontier = [(edge.target, trigger) for source in ordered for edge in graph.outgoing[source]]
    if only is not None:
        frontier = [found for found in frontier if found[0] in only]
    while frontier:
        node, because = frontier.pop()
        step = draft.steps[node]
        if step.status is not StepStatus.PENDING:
            continue
        paths = [path_state(edge, draft.steps[edge.source]) for edge in graph.incoming[node]]
        if PathState.OPEN in paths:
            continue
        if PathState.ARRIVED in paths:
            because = because or _flow_of_another_path(draft, node)
            _come_to(draft, step, because)
            ends += [node] if graph.nodes[node].cancel_others else []
        else:
            _pass_by(draft, node)
        if draft.steps[node].status is not StepStatus.READY:
            frontier.extend((edge.target, because) for edge in graph.outgoing[node])
    _cancel_others(draft, ends)


def _flow_of_another_path(draft: Draft, node: str) -> Trigger | None:
    """The act of the person who last let one of the paths run that meet here, if any: what follows is theirs, whichever
    path happens to arrive last."""
    edges = draft.graph.incoming[node]
    if len(edges) == 1:
        return None
    arrived = (step for e in edges if path_state(e, step := draft.steps[e.source]) is PathState.ARRIVED)
    triggers = (step.trigger for step in arrived if step.trigger is not None and step.trigger.did in events.LET_RUN)
    return max(triggers, key=lambda trigger: trigger.at, default=None)


def arrive(draft: Draft, step: Step, trigger: Trigger | None) -> None:
    """The flow has come to this pending node, whatever its paths say."""
    _come_to(draft, step, trigger)
    _cancel_others(draft, [step.node] if draft.graph.nodes[step.node].cancel_others else [])


def _come_to(draft: Draft, step: Step, trigger: Trigger | None) -> None:
    if draft.graph.nodes[step.node].kind in INSTANT_KINDS:
        draft.change_step(step.node, status=StepStatus.COMPLETED, outlet=SUCCESS, trigger=trigger)
        draft.event(events.COMPLETED, step.node)
        return
    draft.change_step(
        step.node,
        status=StepStatus.READY,
        due_at=draft.now,
        next_kind=AttemptKind.INITIAL,
        retries=0,
        recoveries=0,
        trigger=trigger,
    )
    for inner in draft.graph.unit(step.node)[1:]:
        draft.change_step(inner, retries=0)


def _cancel_others(draft: Draft, ends: Iterable[str]) -> None:
    """Each of ``ends`` cancels what can still move. This is done once everything that was reached at the same moment is
    counted, so that it does not depend on the order in which two ends were looked at."""
    for end in ends:
        cancel(draft, [n for n in draft.graph.nodes if n != end and _can_move(draft.steps[n])], by=end)


def _pass_by(draft: Draft, node: str) -> None:
    """No path to it was taken."""
    step = draft.steps[node]
    ran = step.attempt > 0 or step.visit > 1
    status = StepStatus.CANCELLED if ran else StepStatus.SKIPPED
    for member in draft.graph.unit(node):
        if draft.steps[member].status is StepStatus.PENDING:
            draft.change_step(member, status=status)


def _can_move(step: Step) -> bool:
    return step.status in MOVING or step.status in (StepStatus.PENDING, StepStatus.BLOCKED) or step.held


def cancel(draft: Draft, nodes: Iterable[str], by: str | None = None) -> None:
    """Fence these steps off: what runs loses its right to write, what waits will not start. ``by``: an end did it."""
    for node in [member for name in nodes for member in draft.graph.unit(name)]:
        step = draft.steps.get(node)
        if step is None:
            continue  # its row is gone
        if step.held:
            draft.change_step(node, held=False)
        if step.status in MOVING or step.status in (StepStatus.PENDING, StepStatus.BLOCKED):
            end_attempt(draft, node)
            gone = {"status": StepStatus.CANCELLED, "due_at": None, "only": False, "was": None, "cancelled_by": by}
            draft.change_step(node, **gone)
            if step.attempt:
                event = draft.event(events.CANCELLED, node, attempt=step.attempt, data={"by_end": by is not None})
                tell_given_up(draft, step, event)


def rewind(draft: Draft, node: str, trigger: Trigger | None) -> None:
    """Take back everything behind ``node``, so that its new outcome decides afresh; history stays in the attempts.

    Side branches are not behind it, so they are left alone, and a merge counts the ones that are done. But what an
    end that is taken back had cancelled there is ready again, for ``trigger``.
    """
    behind = draft.graph.behind(node)
    ends: set[str | None] = {name for name in behind if draft.steps[name].status is StepStatus.COMPLETED}
    again = set[str]()  # what ran, and will make other calls when it runs again
    for name in behind:
        step, callers = draft.steps[name], draft.graph.callers.get(name, frozenset())
        called_again = not again.isdisjoint(callers)
        if step.status is StepStatus.PENDING and not (step.stale or (step.early and called_again)):
            continue
        ran = step.attempt > 0 or step.status in ENDED
        again.update(draft.graph.unit(name) if ran else ())
        for member in draft.graph.unit(name):
            _take_back(draft, member, ran, called_again or (ran and not callers))
    _bring_back_cancelled(draft, ends, trigger)


def _take_back(draft: Draft, node: str, ran: bool, reissued: bool) -> None:
    """``reissued``: a callback has a new address. Else nobody gives one out again, so it waits at the old one; and who
    has called that will not call a second time, so what they said counts."""
    step = draft.steps[node]
    is_callback = step.kind == "callback"
    kept = is_callback and not reissued and (step.early or step.status is StepStatus.COMPLETED)
    if step.status in MOVING and step.attempt:
        event = draft.event(events.CANCELLED, node, attempt=step.attempt, data={"taken_back": True})
        tell_given_up(draft, step, event)
    end_attempt(draft, node)
    if (step.status is StepStatus.COMPLETED or step.early) and not kept:
        draft.set_result(node, None)  # nothing behind may read what no longer holds
    draft.change_step(
        node,
        status=StepStatus.PENDING,
        visit=step.visit + 1 if ran or (step.early and reissued) else step.visit,
        key_salt=step.key_salt + 1 if is_callback and reissued else step.key_salt,
        error=None,
        due_at=None,
        outlet=None,
        held=False,
        stale=False,
        only=False,
        was=None,
        early=kept,
        cancelled_by=None,
    )


def _bring_back_cancelled(draft: Draft, ends: Collection[str | None], trigger: Trigger | None) -> None:
    """What these ends had cancelled, and nothing else has taken back since: pending, and ready where it may start; in
    the visit in which it was, so that its call keeps its key (docs/decisions/0037)."""
    back = [n for n in draft.graph.rows if draft.steps[n].cancelled_by in ends]
    for name in back:
        step = draft.change_step(name, status=StepStatus.PENDING, cancelled_by=None, error=None)
        if name == draft.graph.start:
            arrive(draft, step, trigger)
    settle(draft, {edge.source for name in back for edge in draft.graph.incoming.get(name, ())}, trigger)


def mark_stale(draft: Draft, node: str) -> None:
    """Steps behind a step that was run again alone, and that ran before: left alone, and marked (SPEC 4)."""
    for name in draft.graph.behind(node):
        step = draft.steps[name]
        if step.status not in (StepStatus.PENDING, *NOT_TAKEN) and not step.stale:
            draft.change_step(name, stale=True)


def release_held(draft: Draft, trigger: Trigger) -> tuple[str, ...]:
    """Let go of every held step, as step and flow would have. Returns the steps released, in the graph's order.

    Held steps behind the step that is acted on stay: its outcome decides about them.
    """
    behind = draft.graph.behind(trigger.node) if trigger.node else ()
    held = tuple(node for node in draft.graph.nodes if draft.steps[node].held and node not in behind)
    for node in held:
        if not draft.steps[node].held:  # an earlier held step, of which this one is behind, took it back
            continue
        rewind(draft, node, trigger)
        draft.change_step(node, held=False)
        settle(draft, [node], trigger)
    return held


def cut_off(draft: Draft) -> tuple[str, ...]:
    """Pending nodes all of whose paths are decided: a wake-up was lost, settling them again mends it."""
    nodes = [node for node in draft.graph.nodes if node != draft.graph.start]
    return tuple(n for n in nodes if draft.steps[n].status is StepStatus.PENDING and not missing_paths(draft, n))


def settle_again(draft: Draft, trigger: Trigger | None) -> tuple[str, ...]:
    """Settle what was cut off. Returns those nodes."""
    lost = cut_off(draft)
    settle(draft, {edge.source for node in lost for edge in draft.graph.incoming[node]}, trigger)
    return lost
