"""A sync block: its inner steps one after another, as one unit in one worker (SPEC 1, 2)."""

from __future__ import annotations

from tests.support.paper.execute import Outcome, begin
from tests.support.paper.shape import RETRIES, Place, Shape
from tests.support.paper.state import PaperRequest, Try
from tests.support.paper.work import end_attempt, is_current


def run(
    paper: PaperRequest, block: str, number: int, shape: Shape, reachable: bool, first: int = 0
) -> Outcome | int | None:
    """Run a block's inner steps from the one at place ``first``. The outcome of the block; or the place of the step
    whose call has left; or None: the worker has lost the block."""
    result = None
    for place, inner in enumerate(shape.places[block].inner):
        if place < first:
            continue
        if not is_current(paper, block, number):
            return None
        _begin(paper, block, inner, start_over=place == 0)
        outcome = begin(paper, inner, shape, reachable)
        if outcome is None:
            return place
        ended = end(paper, inner, outcome)
        if ended is not None:
            return ended
        result = outcome.result
    return Outcome(result)


def answered(
    paper: PaperRequest, block: str, number: int, shape: Shape, place: int, attempt: int, outcome: Outcome
) -> Outcome | int | None:
    """The call of this attempt of the inner step at ``place`` was answered: as above. What comes too late is only
    evidence."""
    inner = shape.places[block].inner[place]
    if not is_current(paper, block, number):
        paper.steps[inner.id].tries[attempt - 1].late = True
        return None
    ended = end(paper, inner, outcome)
    if ended is not None:
        return ended
    if place + 1 == len(shape.places[block].inner):
        return Outcome(outcome.result)
    return run(paper, block, number, shape, True, place + 1)


def _begin(paper: PaperRequest, block: str, inner: Place, start_over: bool) -> None:
    holder = paper.steps[block]
    if start_over:
        for step in paper.inside(block):
            step.status, step.result = "pending", None
    step = paper.steps[inner.id]
    step.status, step.by = "running", holder.by
    own = holder.tries[-1]
    step.tries.append(Try(len(step.tries) + 1, own.kind, step.visit, own.version, holder.by))


def end(paper: PaperRequest, inner: Place, outcome: Outcome) -> Outcome | None:
    """An inner step has ended. Where it has failed, so has the block: its outcome."""
    step = paper.steps[inner.id]
    again = outcome.result is None and outcome.retryable and step.retries < RETRIES
    end_attempt(step, outcome)
    step.result = outcome.result
    if outcome.result is not None:
        step.status = "completed"
        return None
    step.status = "failed"
    step.retries += again
    return outcome._replace(retryable=again, retries=0)
