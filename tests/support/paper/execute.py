"""What the execution of a step comes to, as far as the worker can tell."""

from __future__ import annotations

from typing import NamedTuple

from tests.support.paper.shape import ACTION, DECISION, FUNCTION, INSTANT, OK, SYNC, WAITS, WORK, Place, Shape
from tests.support.paper.state import ANY, Intent, PaperRequest, PaperStep


class Outcome(NamedTuple):
    """What an execution came to. ``result`` None: it failed. ``must_block``: no path is for this.

    ``stopped``: before the call left, as it would have been a second one. ``retries``: how often it had been tried
    again before, where that is not the step's own count. ``waits``: it has not ended, it waits."""

    result: int | None = None
    outlet: str = OK
    call: str | None = None
    retryable: bool = False
    must_block: bool = False
    stopped: bool = False
    retries: int | None = None
    waits: bool = False


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


def seen(paper: PaperRequest, place: Place, shape: Shape) -> int | str | None:
    """What the call is rendered from; None: it cannot be rendered."""
    if place.reads is None or (place.kind == DECISION and len(shape.out_of(place.id)) == 1):
        return ""
    result = paper.steps[place.reads].result
    return result if result is not None or place.strict else 0


def begin(paper: PaperRequest, place: Place, shape: Shape, reachable: bool) -> Outcome | None:
    """A worker executes the step's attempt. None: its call has left, and the outcome is the outside's to decide.

    ``shape``: the version that the attempt runs on.
    """
    if place.kind not in WORK:
        return _begin_other(paper, place, shape)
    found = seen(paper, place, shape)
    if found is None:
        return UNRENDERED if place.kind == ACTION else UNRENDERED._replace(call=None)
    step = paper.steps[place.id]
    wanted = (place.id, step.visit, step.new_keys, f"{place.kind} {found} {place.body}")
    if not may_leave(step, wanted):
        return STOPPED
    leave(step, wanted)
    return None if reachable or place.kind == FUNCTION else NO_WAY


def begin_late(paper: PaperRequest, place: Place, shape: Shape) -> Outcome | None:
    """As above, for an attempt that is not the running one any more. None: its call must not leave any more."""
    if place.kind == SYNC:
        return None
    if place.kind not in WORK:
        return _begin_other(paper, place, shape)
    return UNRENDERED if seen(paper, place, shape) is None else None


def _begin_other(paper: PaperRequest, place: Place, shape: Shape) -> Outcome | None:
    if place.kind in INSTANT:  # the start
        return Outcome(1)
    if place.kind in WAITS:
        return Outcome(waits=True)
    if place.kind == SYNC:
        return None
    found = seen(paper, place, shape)
    first, *others = [way.target for way in shape.out_of(place.id)]
    if found is None:
        return UNRENDERED._replace(call=None)
    return Outcome(1, others[found - 2] if isinstance(found, int) and 2 <= found < len(others) + 2 else first)


def may_leave(step: PaperStep, wanted: Intent) -> bool:
    """No second effect under another key, unless a person confirmed it; that is good for one key."""
    return step.effect in (None, wanted) or step.allowed in (ANY, wanted)


def leave(step: PaperStep, wanted: Intent) -> None:
    """The call leaves: from now on it may have taken effect."""
    step.allowed = None if step.effect in (None, wanted) else wanted
    step.stopped = False
    step.tries[-1].intent = wanted


def answered(kind: str, how: str) -> Outcome:
    """The outcome of a call that was answered so. What a function that failed has done is never known."""
    outcome = ANSWERS[how]
    if kind == FUNCTION:
        return Outcome(outcome.result, call="unknown" if outcome.result is None else "accepted")
    return outcome
