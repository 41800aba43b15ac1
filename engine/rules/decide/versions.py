"""Going on with another version of the workflow, which only a re-trigger may name (SPEC 4, *Fixing the definition*)."""

from __future__ import annotations

from engine import events
from engine.errors import Refused
from engine.graph import Graph
from engine.records import Step
from engine.rules.decide.block import interrupt_inner
from engine.rules.draft import Draft
from engine.rules.effects import may_have_had_effect
from engine.rules.fence import end_attempt, is_open_wait
from engine.rules.flow import PathState, cancel, path_state
from engine.states import ENDED, MOVING, NOT_TAKEN, AttemptKind, AttemptOutcome, StepStatus


def use_version(
    draft: Draft, version: int, graph: Graph, acted: str | None = None, flow: bool = False
) -> tuple[str, ...]:
    """The steps already done must exist in it, with the path that they took; those that are blocked or under way, too,
    except ``acted``, the step that is run again, and what is behind it if ``flow``. Rows of nodes that it lacks stay,
    cancelled: their history counts.

    Returns the steps whose calls may have taken effect and which it lacks or makes another kind of step of: what
    stands for them now would make another call, which the guard of engine.rules.effects could not see.
    """
    if version == draft.request.workflow_version:
        return ()
    here = [node for node in draft.graph.rows if node in draft.steps]
    gone = [node for node in here if node not in graph.rows or _moved(draft.graph, graph, node)]
    broken = [n for n in gone if n in draft.graph.block_of and draft.steps[n].status is StepStatus.FAILED]
    again = _run_again((draft.graph, graph), acted, flow)
    _check(draft, version, graph, [node for node in gone if node not in broken], again)
    changed = [node for node in here if node not in gone and draft.steps[node].kind != graph.rows[node]]
    forgotten = tuple(node for node in (*gone, *changed) if may_have_had_effect(draft.steps[node]))
    for node in draft.graph.nodes:
        if node not in gone and (node in changed or draft.graph.unit(node) != graph.unit(node)):
            _start_anew(draft, node)
    cancel(draft, gone)
    for node in broken:  # what failed inside a block is not done: it is what the version mends
        draft.change_step(node, status=StepStatus.CANCELLED)
    for node, kind in graph.rows.items():
        if node not in draft.steps:
            draft.add_step(node, kind)
        elif node in gone or node not in draft.graph.rows:
            _bring_back(draft, draft.steps[node], kind)
        elif node in changed:
            _become(draft, node, kind)
    draft.change_version(version, graph)
    _reach_anew(draft)
    return forgotten


def _check(draft: Draft, version: int, graph: Graph, gone: list[str], again: set[str]) -> None:
    """Raise Refused for what must not be lost. ``gone``: what the version lacks; ``again``: what the act runs again."""
    steps = draft.steps
    _refuse(version, "lacks steps that are already done", [n for n in gone if steps[n].status in ENDED])
    open_ = [n for n in gone if n not in again and steps[n].status in (*MOVING, StepStatus.BLOCKED)]
    _refuse(version, "lacks steps that are blocked or under way", open_)
    stay = [n for n in draft.graph.nodes if n in graph.nodes and n not in again]
    _refuse(version, "lacks the path that was taken from", [n for n in stay if _took_no_way(steps[n], graph)])


def _run_again(graphs: tuple[Graph, Graph], acted: str | None, flow: bool) -> set[str]:
    """What the act takes back: it need not be as it was. Not what was behind the step, and is elsewhere now."""
    before, after = graphs
    if acted is None or acted not in before.nodes:
        return set()
    behind = [n for n in before.behind(acted) if n not in after.nodes or n in after.behind(acted)] if flow else []
    return {member for name in (acted, *behind) for member in before.unit(name)}


def _reach_anew(draft: Draft) -> None:
    """What was not taken, and is now led to by a step that is done: whoever goes on with the flow comes to it."""
    graph, back = draft.graph, set[str]()
    for node in graph.nodes:  # in their order, so that what leads to a node is known before it
        step = draft.steps[node]
        sources = [(edge, draft.steps[edge.source]) for edge in graph.incoming[node]]
        led_to = any(edge.source in back or path_state(edge, source) is PathState.ARRIVED for edge, source in sources)
        if led_to and step.status in NOT_TAKEN and step.cancelled_by is None:
            back.add(node)
            for member in graph.unit(node):
                _bring_back(draft, draft.steps[member], graph.rows[member])


def _refuse(version: int, what: str, nodes: list[str]) -> None:
    if nodes:
        mend = "Publish a version that has them, or go on with the present one."
        raise Refused(f"Version {version} {what}: {', '.join(nodes)}. {mend}")


def _took_no_way(step: Step, graph: Graph) -> bool:
    """Whether a step that is done left by a path that this graph does not have."""
    leads_on = graph.nodes[step.node].kind != "end"
    return leads_on and step.status in ENDED and step.outlet not in (None, *graph.outlets[step.node])


def _moved(before: Graph, after: Graph, node: str) -> bool:
    """Into a block, out of one, or into another."""
    return before.block_of.get(node) != after.block_of.get(node)


def _start_anew(draft: Draft, node: str) -> None:
    """What is under way there is no step of the version: an outcome of another kind of step, or of a block with other
    steps inside, says nothing of this one. It starts again, and nothing is counted."""
    step = draft.steps[node]
    if step.status is not StepStatus.RUNNING and not is_open_wait(step):
        return
    end_attempt(draft, node)
    interrupt_inner(draft, node, AttemptOutcome.CANCELLED)
    draft.change_step(node, status=StepStatus.READY, due_at=draft.now, next_kind=AttemptKind.RECOVERY)
    draft.event(events.CANCELLED, node, attempt=step.attempt, data={"by_end": False})


def _become(draft: Draft, node: str, kind: str) -> None:
    """Perhaps another kind of step. A call that came early was for a callback: it must not answer what asks people."""
    step = draft.steps[node]
    if step.early and kind != step.kind:
        draft.set_result(node, None)
        draft.change_step(node, early=False)
    draft.change_step(node, kind=kind)


def _bring_back(draft: Draft, step: Step, kind: str) -> None:
    """A node that a version between lacked: its row has kept its count of attempts and the effects of its calls."""
    visit = step.visit + 1 if step.attempt else step.visit
    fresh = {"status": StepStatus.PENDING, "stale": False, "error": None, "cancelled_by": None}
    issue = step.key_salt + 1 if kind == "callback" and step.attempt else step.key_salt
    _become(draft, step.node, kind)
    draft.change_step(step.node, visit=visit, key_salt=issue, **fresh)
