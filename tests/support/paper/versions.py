"""Going on with another version of the workflow (SPEC 4, *Fixing the definition*)."""

from __future__ import annotations

from tests.support.paper.flow import arrived, cancel
from tests.support.paper.state import ENDED, PaperRequest, PaperStep


def lacking(paper: PaperRequest, version: int) -> list[str]:
    """The steps that are done, and that the version does not have."""
    return [step.node for step in _gone(paper, version) if step.status in ENDED]


def forgotten(paper: PaperRequest, version: int | None) -> list[str]:
    """The steps whose calls may have taken effect, and that the version lacks or makes another kind of step of: under
    another name, or as another kind, each would be another call."""
    if version in (None, paper.version):
        return []
    kinds = {place.id: place.kind for place in paper.shapes[version or 0].rows()}
    changed = [paper.steps[p.id] for p in paper.shape.rows() if kinds.get(p.id, p.kind) != paper.steps[p.id].kind]
    return [step.node for step in (*_gone(paper, version or 0), *changed) if step.may_have_had_effect]


def _gone(paper: PaperRequest, version: int) -> list[PaperStep]:
    rows = {place.id for place in paper.shapes[version].rows()}
    return [paper.steps[place.id] for place in paper.shape.rows() if place.id not in rows]


def use_version(paper: PaperRequest, version: int) -> None:
    """What it lacks is cancelled, what it brings is pending; nothing is started by that."""
    if version == paper.version:
        return
    before = {place.id for place in paper.shape.rows()}
    gone = {step.node for step in _gone(paper, version)}
    cancel(paper, [place for place in paper.shape.places if place in gone])
    for place in paper.shapes[version].rows():
        step = paper.steps.setdefault(place.id, PaperStep(place.id, place.kind))
        if place.id not in before:
            _fresh(step)
        step.kind = place.kind
    paper.version = version
    undecided = [step.node for step in paper.present() if step.status == "pending" and step.node != paper.shape.start]
    ways = {node: [arrived(paper, way) for way in paper.shape.into(node)] for node in undecided}
    paper.cut_off = {node for node in undecided if None not in ways[node]}


def _fresh(step: PaperStep) -> None:
    """A step that a version between lacked: its row has kept its count of attempts and the effects of its calls."""
    step.visit += bool(step.tries)
    step.status, step.stale, step.cancelled_by = "pending", False, None
