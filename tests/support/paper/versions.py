"""Going on with another version of the workflow (SPEC 4, *Fixing the definition*)."""

from __future__ import annotations

from tests.support.paper.flow import arrived, cancel, decided, fence
from tests.support.paper.shape import CALLBACK, END
from tests.support.paper.state import ENDED, PaperRequest, PaperStep
from tests.support.paper.work import interrupt


def lacks(paper: PaperRequest, version: int, node: str, flow: bool) -> bool:
    """Whether steps that are done, or the one to be re-triggered, do not exist in the version; or others that are
    blocked or under way, or the way that a done one took, although the act does not run them again."""
    if version == paper.version:
        return False
    shape, gone = paper.shapes[version], _gone(paper, version)
    if node not in shape.places or any(step.status in ENDED and not _broke(paper, step) for step in gone):
        return True
    still = [place for place in paper.shape.behind(node) if place not in shape.places or place in shape.behind(node)]
    names = [node, *(still if flow else ())]
    again = {member for name in names for member in paper.shape.unit(name)}
    if any(s.node not in again and s.status in ("ready", "running", "waiting", "blocked") for s in gone):
        return True
    lost = {step.node for step in gone}
    kept = [p for p in paper.shape.places.values() if p.id not in again | lost and p.kind != END]
    return any(
        (step := paper.steps[p.id]).status in ENDED
        and step.outlet is not None
        and all(way.outlet != step.outlet for way in shape.ways if way.source == p.id)
        for p in kept
    )


def forgotten(paper: PaperRequest, version: int | None) -> list[str]:
    """The steps whose calls may have taken effect, and that the version lacks or makes another kind of step of: under
    another name, or as another kind, each would be another call."""
    if version in (None, paper.version):
        return []
    gone = _gone(paper, version or 0)
    changed = [step for step in _changed(paper, version or 0) if step not in gone]
    return [step.node for step in (*gone, *changed) if step.may_have_had_effect]


def _gone(paper: PaperRequest, version: int) -> list[PaperStep]:
    """What the version has nowhere, or inside another block, or outside of it."""
    after = paper.shapes[version]
    rows = {place.id: after.block_of.get(place.id) for place in after.rows()}
    old = paper.shape.block_of
    return [paper.steps[p.id] for p in paper.shape.rows() if p.id not in rows or rows[p.id] != old.get(p.id)]


def _broke(paper: PaperRequest, step: PaperStep) -> bool:
    """It failed inside a block, which is not done with it."""
    return step.status == "failed" and step.node in paper.shape.block_of


def _changed(paper: PaperRequest, version: int) -> list[PaperStep]:
    kinds = {place.id: place.kind for place in paper.shapes[version].rows()}
    return [paper.steps[p.id] for p in paper.shape.rows() if kinds.get(p.id, p.kind) != paper.steps[p.id].kind]


def _start_anew(paper: PaperRequest, step: PaperStep) -> None:
    """What is under way there is no step of the version: it starts again, and nothing is counted."""
    if step.status == "running" or step.open:
        fence(step)
        interrupt(paper, step.node, "cancelled")
        step.status, step.next_kind, step.starts = "ready", "recovery", step.starts + 1


def use_version(paper: PaperRequest, version: int) -> None:
    """What it lacks is cancelled, what it brings is pending; nothing is started by that."""
    if version == paper.version:
        return
    before = {place.id for place in paper.shape.rows()}
    gone = {step.node for step in _gone(paper, version)}
    changed = {step.node for step in _changed(paper, version)}
    after = paper.shapes[version]
    for place in paper.shape.places:
        if place not in gone and (place in changed or paper.shape.unit(place) != after.unit(place)):
            _start_anew(paper, paper.steps[place])
    cancel(paper, [place for place in paper.shape.places if place in gone])
    cancel(paper, [place for place in paper.shape.block_of if place in gone])
    for step in [paper.steps[node] for node in gone]:
        if _broke(paper, step):
            step.status = "cancelled"
    for row in after.rows():
        step = paper.steps.setdefault(row.id, PaperStep(row.id, row.kind))
        if row.id in gone or row.id not in before:
            _fresh(step)
        step.early = step.early if step.kind == row.kind else None  # it was for a callback
        step.kind = row.kind
    paper.version = version
    _reach_anew(paper)
    paper.cut_off = decided(paper, paper.shape.places)


def _reach_anew(paper: PaperRequest) -> None:
    """What was passed by, and has a way to it now, from what is done or from what this brings back."""
    back: set[str] = set()
    for place in paper.shape.places:
        step = paper.steps[place]
        led_to = any(way.source in back or arrived(paper, way) for way in paper.shape.into(place))
        if led_to and step.status in ("skipped", "cancelled") and step.cancelled_by is None:
            back.add(place)
            for member in paper.shape.unit(place):
                _fresh(paper.steps[member])


def _fresh(step: PaperStep) -> None:
    """A step that a version between lacked: its row has kept its count of attempts and the effects of its calls."""
    step.new_keys += bool(step.tries) and step.kind == CALLBACK
    step.visit += bool(step.tries)
    step.status, step.stale, step.cancelled_by = "pending", False, None
