"""What workers do, and what becomes of it (SPEC 3)."""

from __future__ import annotations

from typing import NamedTuple

from tests.support.paper.flow import alone_no_more, call_ended, go_on, mark_stale, recalculate, set_status
from tests.support.paper.shape import ACTION, BAD, DECISION, FUNCTION, INSTANT, OK, RETRIES, Place
from tests.support.paper.state import ANY, Intent, PaperRequest, PaperStep, Try

RECOVERIES = 5
WAITS = (0.0, 1.0, 2.0, 4.0, 8.0)  # seconds before each recovery, stretched by up to a quarter


class Outcome(NamedTuple):
    """What an execution came to. ``result`` None: it failed. ``must_block``: no path is for this.

    ``stopped``: before the call left, as it would have been a second one."""

    result: int | None = None
    outlet: str = OK
    call: str | None = None
    retryable: bool = False
    must_block: bool = False
    stopped: bool = False


# What the outside can do to an action's call, and to a function.
ANSWERS = {
    "ok": Outcome(1, call="accepted"),
    "ok 2": Outcome(2, call="accepted"),
    "misfit": Outcome(call="accepted"),  # a 2xx that is not as expected
    "400": Outcome(call="rejected"),
    "429": Outcome(call="rejected", retryable=True),
    "503": Outcome(call="unknown", retryable=True),
    "cut": Outcome(call="unknown", retryable=True),  # no answer
}
NO_WAY = Outcome(call="not_sent", retryable=True)  # nobody listens there
UNRENDERED = Outcome(call="not_sent", must_block=True)
STOPPED = Outcome(call="not_sent", must_block=True, stopped=True)


def claim(paper: PaperRequest, node: str) -> Try:
    """A worker takes a step that is due."""
    step = paper.steps[node]
    number = len(step.tries) + 1
    step.tries.append(Try(number, step.next_kind, step.visit, paper.version, step.by))
    step.status, step.due = "running", False
    return step.tries[-1]


def seen(paper: PaperRequest, place: Place) -> int | str | None:
    """What the call is rendered from; None: it cannot be rendered."""
    if place.reads is None or (place.kind == DECISION and len(paper.shape.out_of(place.id)) == 1):
        return ""
    result = paper.steps[place.reads].result
    return result if result is not None or place.strict else 0


def intent(paper: PaperRequest, place: Place) -> Intent:
    """The effect that a call made now is meant to have."""
    step = paper.steps[place.id]
    return (place.id, step.visit, step.new_keys, f"{seen(paper, place)} {place.body}")


def may_leave(step: PaperStep, wanted: Intent) -> bool:
    """No second effect under another key, unless a person confirmed it; that is good for one key."""
    return step.effect in (None, wanted) or step.allowed in (ANY, wanted)


def leave(step: PaperStep, wanted: Intent) -> None:
    """The call leaves: from now on it may have taken effect."""
    step.allowed = None if step.effect in (None, wanted) else wanted
    step.stopped = False
    step.tries[-1].intent = wanted


def begin(paper: PaperRequest, node: str, place: Place, reachable: bool) -> Outcome | None:
    """A worker executes the step. None: its call has left, and the outcome is the outside's to decide.

    ``place``: as the version has it that the attempt runs on.
    """
    step = paper.steps[node]
    found = seen(paper, place)
    if place.kind in INSTANT:  # the start
        return Outcome(1)
    if place.kind == DECISION:
        return UNRENDERED._replace(call=None) if found is None else Outcome(1, _chosen(paper, place, found))
    if found is None:
        return UNRENDERED if place.kind == ACTION else UNRENDERED._replace(call=None)
    wanted = intent(paper, place)
    if not may_leave(step, wanted):
        return STOPPED
    leave(step, wanted)
    return None if reachable or place.kind == FUNCTION else NO_WAY


def begin_late(paper: PaperRequest, place: Place) -> Outcome | None:
    """As above, for an attempt that is not the running one any more. None: its call must not leave any more."""
    found = seen(paper, place)
    if place.kind in INSTANT:
        return Outcome(1)
    if found is None:
        return UNRENDERED
    return Outcome(1, _chosen(paper, place, found)) if place.kind == DECISION else None


def _chosen(paper: PaperRequest, place: Place, found: int | str) -> str:
    first, *others = [way.target for way in paper.shape.out_of(place.id)]
    return others[found - 2] if isinstance(found, int) and 2 <= found < len(others) + 2 else first


def answered(kind: str, how: str) -> Outcome:
    """The outcome of a call that was answered so. What a function that failed has done is never known."""
    outcome = ANSWERS[how]
    if kind == FUNCTION:
        return Outcome(outcome.result, call="unknown" if outcome.result is None else "accepted")
    return outcome


def is_current(paper: PaperRequest, node: str, number: int) -> bool:
    running = paper.steps[node].under_way if node in paper.steps else None
    return running is not None and running.number == number


def finish(paper: PaperRequest, node: str, number: int, outcome: Outcome) -> bool:
    """An attempt's outcome is handed in. False: it is late, and only evidence."""
    if not is_current(paper, node, number):
        paper.steps[node].tries[number - 1].late = True
        return False
    step = paper.steps[node]
    step.tries[-1].outcome = "failed" if outcome.result is None else "succeeded"
    before = step.call
    call_ended(step, outcome.call)
    if outcome.stopped:
        step.call, step.allowed, step.stopped = before, None, True
    if outcome.result is not None:
        step.result = outcome.result if step.kind in (ACTION, FUNCTION) else None
        _succeeded(paper, step, outcome.outlet)
    elif outcome.retryable and step.retries < RETRIES:
        step.status, step.next_kind, step.retries, step.due = "waiting", "retry", step.retries + 1, False
    else:
        failed(paper, step, outcome.must_block)
    return True


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
        return
    recalculate(paper, ended_at=step.node)
    if paper.status in ("blocked", "in_progress"):
        return
    for way in paper.shape.out_of(step.node):
        if way.outlet == outlet:
            paper.steps[way.target].status, paper.steps[way.target].stale = "pending", False
    step.held = False
    go_on(paper, step.by)
    recalculate(paper)


def failed(paper: PaperRequest, step: PaperStep, must_block: bool) -> None:
    """Nothing mends it by itself: its failure path, if it has one, else it waits for a person."""
    if step.alone:  # as it was before, and the request is not touched
        step.status, step.alone = step.was or "blocked", False
        alone_no_more(paper)
    elif paper.shape.leads(step.node, BAD) and not must_block:
        step.status, step.outlet = "failed", BAD
        go_on(paper, step.by)
        recalculate(paper)
    else:
        step.status = "blocked"
        recalculate(paper)


def lose(paper: PaperRequest, node: str, number: int) -> bool:
    """The worker of an attempt is gone. False: it was not the running one any more."""
    if not is_current(paper, node, number):
        return False
    step = paper.steps[node]
    attempt = step.tries[-1]
    attempt.outcome = "lost"
    call_ended(step, "unknown" if attempt.intent else "not_sent" if step.kind == ACTION else None)
    if step.recoveries == RECOVERIES:
        failed(paper, step, must_block=True)
        return True
    wait = WAITS[step.recoveries]
    step.status, step.next_kind, step.recoveries = "waiting" if wait else "ready", "recovery", step.recoveries + 1
    return True


def give_back(paper: PaperRequest, node: str, number: int) -> bool:
    """A clean stop: ready again, and nothing is counted."""
    if not is_current(paper, node, number):
        return False
    step = paper.steps[node]
    step.tries[-1].outcome = "returned"
    call_ended(step, "unknown" if step.tries[-1].intent else None)
    step.status, step.next_kind = "ready", "recovery"
    return True


def time_passes(paper: PaperRequest) -> None:
    """Everything that waits for its time is due."""
    for step in paper.steps.values():
        step.due = step.status == "waiting"


def sweep(paper: PaperRequest) -> bool:
    """In progress with nothing to wait for: Blocked, and Continue flow. It must never be needed."""
    if paper.status != "in_progress" or paper.moving():
        return False
    set_status(paper, "blocked", "Nothing is running: ")
    return True
