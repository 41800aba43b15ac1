"""Going on with another version of the workflow, which only a re-trigger may name (SPEC 4, *Fixing the definition*)."""

from __future__ import annotations

from engine.draft import Draft
from engine.effects import may_have_had_one
from engine.errors import Refused
from engine.flow import cancel
from engine.graph import Graph
from engine.records import Step
from engine.states import ENDED, StepStatus


def use_version(draft: Draft, version: int, graph: Graph) -> tuple[str, ...]:
    """The steps already done must exist in it. Rows of nodes that it lacks stay, cancelled: their history counts.

    Returns the steps whose calls may have taken effect and which it lacks or makes another kind of step of: what
    stands for them now would make another call, which the guard of engine.effects could not see.
    """
    if version == draft.request.workflow_version:
        return ()
    rows, before = graph.rows, draft.graph.rows
    gone = [node for node in before if node in draft.steps and node not in rows]
    lacking = [node for node in gone if draft.steps[node].status in ENDED]
    if lacking:
        raise Refused(
            f"Version {version} lacks steps that are already done: {', '.join(lacking)}. "
            "Publish a version that has them, or go on with the present one."
        )
    changed = [node for node, kind in rows.items() if node in before and draft.steps[node].kind != kind]
    lost = tuple(node for node in (*gone, *changed) if may_have_had_one(draft.steps[node]))
    cancel(draft, gone)
    for node, kind in rows.items():
        if node not in draft.steps:
            draft.add_step(node, kind)
        elif node not in before:
            _bring_back(draft, draft.steps[node], kind)
        elif draft.steps[node].kind != kind:
            draft.change_step(node, kind=kind)
    draft.change_version(version, graph)
    return lost


def _bring_back(draft: Draft, step: Step, kind: str) -> None:
    """A node that a version between lacked: its row has kept its count of attempts and the effects of its calls."""
    visit = step.visit + 1 if step.attempt else step.visit
    fresh = {"status": StepStatus.PENDING, "stale": False, "error": None, "cancelled_by": None}
    draft.change_step(step.node, kind=kind, visit=visit, **fresh)
