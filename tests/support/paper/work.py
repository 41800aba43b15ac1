"""What workers do, and what becomes of it (SPEC 3)."""

from __future__ import annotations

from copy import deepcopy

from tests.support.paper.execute import Outcome
from tests.support.paper.flow import (
    REMAINING,
    alone_no_more,
    call_ended,
    decided,
    fence,
    go_on,
    mark_stale,
    recalculate,
    set_status,
    why_blocked,
)
from tests.support.paper.shape import (
    ACTION,
    APPROVAL,
    BAD,
    CALLBACK,
    DECISION,
    DELAY,
    NO,
    RETRIES,
    SYNC,
    WORK,
)
from tests.support.paper.state import PaperRequest, PaperStep, Try

RECOVERIES = 5
WAITING = (0.0, 1.0, 2.0, 4.0, 8.0)  # seconds before each recovery


def claim(paper: PaperRequest, node: str) -> Try:
    """A worker takes a step that is due."""
    step = paper.steps[node]
    step.status, step.due = "running", False
    return _attempt(paper, step, step.next_kind, step.by)


def _attempt(paper: PaperRequest, step: PaperStep, kind: str, by: str | None) -> Try:
    step.tries.append(Try(len(step.tries) + 1, kind, step.visit, paper.version, by))
    return step.tries[-1]


def is_current(paper: PaperRequest, node: str, number: int) -> bool:
    """Whether this attempt is the running one."""
    step = paper.steps[node]
    return step.status == "running" and step.tries[-1].number == number


# --- outcomes --------------------------------------------------------------------------------------------------------


def finish(paper: PaperRequest, node: str, number: int, outcome: Outcome) -> bool:
    """An attempt's outcome is handed in. False: it is late, and only evidence."""
    step = paper.steps[node]
    if not is_current(paper, node, number):
        step.tries[number - 1].late = step.tries[number - 1].late or not outcome.waits
        return False
    if not outcome.waits:
        lost = step.kind == DECISION and outcome.result is not None and not paper.shape.leads(node, outcome.outlet)
        conclude(paper, step, Outcome(must_block=True) if lost else outcome)  # its path is not one of this version
        return True
    step.status, step.open = "waiting", True
    if step.early is not None:
        result, step.early = step.early, None
        conclude(paper, step, Outcome(result))
    return True


def conclude(paper: PaperRequest, step: PaperStep, outcome: Outcome) -> None:
    """The open attempt ends, and the flow goes on."""
    retries = step.retries if outcome.retries is None else outcome.retries
    end_attempt(step, outcome)
    if outcome.result is not None:
        step.result = outcome.result if step.kind in (*WORK, CALLBACK, SYNC) else None
        _succeeded(paper, step, outcome.outlet)
    elif outcome.retryable and retries < RETRIES:
        step.status, step.next_kind, step.retries, step.due = "waiting", "retry", step.retries + 1, False
    else:
        failed(paper, step, outcome.must_block)


def end_attempt(step: PaperStep, outcome: Outcome) -> None:
    """Write the outcome down with the open attempt."""
    before = step.call
    step.tries[-1].outcome = "failed" if outcome.result is None else "succeeded"
    call_ended(step, outcome.call)
    step.open, step.yes = False, set()
    if outcome.stopped:
        step.call, step.allowed, step.stopped = before, None, True


def _succeeded(paper: PaperRequest, step: PaperStep, outlet: str) -> None:
    if step.alone:
        _succeeded_alone(paper, step, outlet)
    else:
        completed(paper, step, outlet)


def completed(paper: PaperRequest, step: PaperStep, outlet: str) -> None:
    """The flow goes on from a step."""
    step.status, step.outlet = "completed", outlet
    go_on(paper, step.by)
    recalculate(paper)


def _succeeded_alone(paper: PaperRequest, step: PaperStep, outlet: str) -> None:
    """Held: nothing behind it starts. With the box ticked the status is recalculated, and an end directly behind the
    step counts as reached, when nothing else stands before it: then it is let go of."""
    mark_stale(paper, step.node)
    step.status, step.outlet, step.held, step.alone = "completed", outlet, True, False
    if not step.ticked:
        alone_no_more(paper)
        if paper.status == "blocked":  # still, but not because of what is mended
            paper.reasons = why_blocked(paper)
        return
    recalculate(paper, ended_at=step.node)
    if paper.status in ("blocked", "in_progress"):
        return
    after = deepcopy(paper)
    _go_to_its_end(after, after.steps[step.node])
    if after.moving():  # somebody waits only for the way that was not taken: with Continue flow
        set_status(paper, "blocked", REMAINING)
        return
    _go_to_its_end(paper, step)
    recalculate(paper)


def _go_to_its_end(paper: PaperRequest, step: PaperStep) -> None:
    for way in paper.shape.out_of(step.node):
        if way.outlet == step.outlet:
            paper.steps[way.target].status, paper.steps[way.target].stale = "pending", False
    step.held = False
    go_on(paper, step.by)


def failed(paper: PaperRequest, step: PaperStep, must_block: bool) -> None:
    """Nothing mends it by itself: its failure path, if it has one, else it waits for a person."""
    alone, step.alone = step.alone, False
    if alone and step.was in ("blocked", "failed"):  # as it was before, and the request is not touched
        step.status = step.was
        _failed_again(paper, step)
    elif paper.shape.leads(step.node, BAD) and not must_block and not alone:
        step.status, step.outlet = "failed", BAD
        go_on(paper, step.by)
        recalculate(paper)
    else:
        step.status = "blocked"
        recalculate(paper)


def _failed_again(paper: PaperRequest, step: PaperStep) -> None:
    """What other paths have come to as well goes on; what only this step leads to is another version's, and waits."""
    behind = [way.target for way in paper.shape.out_of(step.node)]
    met = {place for place in behind if len(paper.shape.into(place)) > 1} if paper.status != "failed" else set()
    waited = decided(paper, met)
    paper.cut_off |= decided(paper, behind) - waited
    if waited:
        go_on(paper, None)
        recalculate(paper)
    alone_no_more(paper)


# --- workers that are gone, and time ---------------------------------------------------------------------------------


def lose(paper: PaperRequest, node: str, number: int) -> bool:
    """The worker of an attempt is gone. False: it was not the running one any more."""
    if not is_current(paper, node, number):
        return False
    step = paper.steps[node]
    fence(step, "lost")
    if step.kind == ACTION and step.tries[-1].call is None:
        call_ended(step, "not_sent")
    if interrupt(paper, node, "lost"):
        step.call = "unknown"
    if step.recoveries == RECOVERIES:
        failed(paper, step, must_block=True)
        return True
    wait = WAITING[step.recoveries]
    step.status, step.next_kind, step.recoveries = "waiting" if wait else "ready", "recovery", step.recoveries + 1
    return True


def give_back(paper: PaperRequest, node: str, number: int) -> bool:
    """A clean stop: ready again, and nothing is counted."""
    if not is_current(paper, node, number):
        return False
    fence(paper.steps[node], "returned")
    interrupt(paper, node, "returned")
    paper.steps[node].status, paper.steps[node].next_kind = "ready", "recovery"
    return True


def interrupt(paper: PaperRequest, block: str, outcome: str) -> bool:
    """What ran inside a block is closed with it. Returns whether a call was under way."""
    sent = False
    for step in paper.inside(block):
        if step.status == "running":
            sent = sent or step.tries[-1].intent is not None
            fence(step, outcome)
            step.status = "pending"
    return sent


def time_passes(paper: PaperRequest) -> None:
    """Everything that waits for its next try is due."""
    for step in paper.steps.values():
        step.due = step.status == "waiting" and not step.open


def wakes(paper: PaperRequest) -> list[str]:
    """The waits that time alone ends."""
    places = paper.shape.places
    return [s.node for s in paper.present() if s.open and (s.kind == DELAY or places[s.node].timed)]


def time_is_up(paper: PaperRequest, node: str) -> None:
    """The time of a wait is over."""
    step = paper.steps[node]
    if not step.open:  # another one's end has ended it
        return
    if step.kind == APPROVAL:
        reject(paper, step)
    else:
        conclude(paper, step, Outcome(1 if step.kind == DELAY else None))


def reject(paper: PaperRequest, step: PaperStep) -> None:
    """By the rejected path, if there is one."""
    conclude(paper, step, Outcome(1, NO) if paper.shape.leads(step.node, NO) else Outcome())
