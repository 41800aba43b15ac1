"""How a request goes on, read over the whole paper again and again until nothing more follows."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tests.support.paper.shape import CALLBACK, END, INSTANT, OK, Way
from tests.support.paper.state import ENDED, MOVING, PaperRequest, PaperStep

REMAINING = "remaining steps not started"


def arrived(paper: PaperRequest, way: Way) -> bool | None:
    """True: it has; False: it can no longer; None: it still may. Held and stale steps let nothing pass."""
    source = paper.steps[way.source]
    if source.status in ("skipped", "cancelled"):
        return False
    if source.status in ENDED and not source.held and not source.stale:
        return source.outlet == way.outlet
    return None


def go_on(paper: PaperRequest, by: str | None) -> None:
    """Start every step that nothing is missing for, under ``by``; leave out those that no path reaches. What an end
    cancels, it cancels when all that was reached with it is counted."""
    before = {step.node for step in paper.steps.values() if step.status == "completed"}
    changed = True
    while changed:
        changed = False
        for place in paper.shape.places:
            step = paper.steps[place]
            ways = [arrived(paper, way) for way in paper.shape.into(place)]
            if step.status != "pending" or None in ways or not ways or place in paper.cut_off:
                continue
            changed = True
            if True in ways:
                start(paper, step, by)
            else:
                pass_by(paper, step)
    for step in paper.present():
        if paper.shape.places[step.node].cancels and step.status == "completed" and step.node not in before:
            cancel(
                paper, [other.node for other in paper.present() if other is not step and _can_move(other)], step.node
            )


def decided(paper: PaperRequest, places: Iterable[str]) -> set[str]:
    """Those of ``places`` that wait, and for nothing more."""
    waiting = [place for place in places if paper.steps[place].status == "pending" and place != paper.shape.start]
    return {place for place in waiting if None not in [arrived(paper, way) for way in paper.shape.into(place)]}


def start(paper: PaperRequest, step: PaperStep, by: str | None) -> None:
    """The flow has come to a step."""
    step.by, step.acted_on = by, False
    if step.kind in INSTANT:
        step.status, step.outlet = "completed", OK
        return
    step.status, step.next_kind, step.retries, step.recoveries = "ready", "initial", 0, 0
    step.starts += 1
    for inner in paper.inside(step.node):
        inner.retries = 0


def pass_by(paper: PaperRequest, step: PaperStep) -> None:
    """No path to a step was taken."""
    left_out = "cancelled" if step.tries or step.visit > 1 else "skipped"
    for member in (step, *paper.inside(step.node)):
        if member.status == "pending":
            member.status = left_out


def _can_move(step: PaperStep) -> bool:
    return step.status in (*MOVING, "pending", "blocked") or step.held


def cancel(paper: PaperRequest, nodes: Iterable[str], by: str | None = None) -> None:
    """What runs is fenced off, what waits will not start, what is held is let go of. ``by``: an end did it."""
    for node in nodes:
        for step in (paper.steps[node], *paper.inside(node)):
            step.held = False
            if step.status in (*MOVING, "pending", "blocked"):
                fence(step)
                step.status, step.due, step.alone, step.was, step.cancelled_by = "cancelled", False, False, None, by


def fence(step: PaperStep, outcome: str = "cancelled") -> None:
    """Nobody waits for the open attempt any more: what its call did is not known."""
    attempt = step.under_way
    if attempt is not None:
        attempt.outcome = outcome
        call_ended(step, "unknown" if attempt.intent else None)
    step.open, step.yes = False, set()


def call_ended(step: PaperStep, call: str | None) -> None:
    """The open attempt is over, and this is known of its call."""
    attempt = step.tries[-1]
    attempt.call = call
    step.call = call or step.call
    if attempt.intent is not None and call in ("accepted", "unknown"):
        step.effect, step.allowed, step.stopped = attempt.intent, None, False


def take_back(paper: PaperRequest, node: str, by: str | None) -> None:
    """Everything behind a step is undecided again; its history stays. What an end that is taken back had cancelled
    elsewhere is as if that end had not been."""
    behind = [paper.steps[place] for place in paper.shape.behind(node)]
    ends = [step.node for step in behind if step.status == "completed"]
    paper.cut_off -= {step.node for step in behind}
    for step in behind:
        if step.status == "pending" and not step.stale:
            continue
        visit = step.visit + 1 if step.tries or step.status in ENDED else step.visit
        for member in (step, *paper.inside(step.node)):
            if visit != member.visit:  # else it waits at the address that was called, and nobody calls that again
                member.early = None
                member.new_keys += member.kind == CALLBACK  # no step gives its address out: it is a new one
            member.visit = visit
            _undo(member)
    back = [paper.steps[place.id] for place in paper.shape.rows() if paper.steps[place.id].cancelled_by in ends]
    for step in back:
        step.status, step.cancelled_by = "pending", None
        if step.node == paper.shape.start:
            start(paper, step, by)
    if back:
        go_on(paper, by)


def _undo(step: PaperStep) -> None:
    fence(step)
    step.status, step.outlet, step.result = "pending", None, None
    step.held = step.stale = step.alone = step.due = False
    step.was = step.cancelled_by = None


def mark_stale(paper: PaperRequest, node: str) -> None:
    """What ran behind a step that was now run again alone is left alone, and counts no more."""
    for place in paper.shape.behind(node):
        step = paper.steps[place]
        if step.status not in ("pending", "skipped", "cancelled"):
            step.stale = True


def let_go(paper: PaperRequest, behind: Collection[str], by: str | None) -> list[str]:
    """Release every held step but those in ``behind``, in their order. Returns those released."""
    held = [step.node for step in paper.present() if step.held and step.node not in behind]
    for node in held:
        if paper.steps[node].held:  # else an earlier one has taken it back
            take_back(paper, node, by)
            paper.steps[node].held = False
            go_on(paper, by)
    return held


def open_up(paper: PaperRequest, by: str | None) -> None:
    """Nothing is held, and nothing moves: the first step that waits for what does not come is started all the same.
    Before that, what it waits for counts again where it had ended and was only stale."""
    paper.cut_off.clear()
    go_on(paper, by)
    waiting = [step for step in paper.present() if step.status == "pending"]
    if paper.moving() or not waiting:
        return
    missing = [way.source for way in paper.shape.into(waiting[0].node) if arrived(paper, way) is None]
    for source in missing:
        paper.steps[source].stale = paper.steps[source].stale and paper.steps[source].status not in ENDED
    go_on(paper, by)
    if waiting[0].status == "pending":
        start(paper, waiting[0], by)
        go_on(paper, by)


def recalculate(paper: PaperRequest, ended_at: str | None = None) -> None:
    """The ordered list of SPEC 4. What runs alone is no progress; what runs alone or is held stands before any end, and
    so does what an end has cancelled that counts no more. ``ended_at``: the step directly behind which ends count."""
    steps = [step for step in paper.present() if not step.stale]
    ends, behind = ends_reached(paper), ends_behind(paper, ended_at)
    if any(step.status == "blocked" for step in steps):
        set_status(paper, "blocked", *why_blocked(paper))
    elif any(step.status in MOVING and not step.alone for step in steps):
        set_status(paper, "in_progress")
    elif (
        not ends | behind
        or could_start(paper)
        or any(_stands_before(paper, s) for s in steps if not (behind and s.node == ended_at))
    ):
        set_status(paper, "blocked", REMAINING)
    else:  # final only when nothing moves any more, and be it stale
        set_status(paper, "in_progress" if paper.moving() else best(ends | behind))


def why_blocked(paper: PaperRequest) -> tuple[str, ...]:
    """What the reason of a Blocked request begins with: with one of the steps that are, if any is."""
    blocked = [step.node for step in paper.present() if step.status == "blocked" and not step.stale]
    return tuple(f"{node}: " for node in blocked) or (REMAINING,)


def alone_no_more(paper: PaperRequest) -> None:
    """The request is left untouched, unless that was the last that moved: then In progress would not be so, and an end
    that had only waited for the step stands."""
    if paper.moving():
        return
    before = (paper.status, paper.reasons)
    recalculate(paper)
    if paper.status == "blocked" and before[0] != "in_progress":
        paper.status, paper.reasons = before


def could_start(paper: PaperRequest) -> bool:
    """Whether another version has brought a step that lacks nothing, and that no act has started yet."""
    passed: set[str] = set()
    for place in paper.shape.places if paper.cut_off else ():
        ways = [False if way.source in passed else arrived(paper, way) for way in paper.shape.into(place)]
        if paper.steps[place].status == "pending" and ways and None not in ways:
            if True in ways:
                return True
            passed.add(place)
    return False


def _stands_before(paper: PaperRequest, step: PaperStep) -> bool:
    void = step.cancelled_by is not None and paper.steps[step.cancelled_by].stale
    return step.held or step.alone or void


def ends_reached(paper: PaperRequest) -> set[str]:
    reached = [s for s in paper.present() if s.kind == END and s.status == "completed" and not s.stale]
    return {paper.shape.places[step.node].end or "" for step in reached}


def ends_behind(paper: PaperRequest, node: str | None) -> set[str]:
    """The ends that a step leads to by the way it left, when it leads to nothing else."""
    if node is None:
        return set()
    ways = [way for way in paper.shape.out_of(node) if way.outlet == paper.steps[node].outlet]
    ends = {paper.shape.places[way.target].end for way in ways}
    return {end for end in ends if end is not None} if None not in ends else set()


def best(ends: set[str]) -> str:
    """Rejected beats failed beats completed."""
    return next(end for end in ("rejected", "failed", "completed") if end in ends)


def set_status(paper: PaperRequest, status: str, *reasons: str) -> None:
    paper.status, paper.reasons = status, reasons
