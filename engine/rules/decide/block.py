"""A sync block: its inner steps run one after another, in the worker that holds the block (SPEC 1, 2).

Only the block has a lease. Its inner steps have rows and attempts, and each write of theirs is guarded by their own
attempt number; whoever takes the block away closes what is open inside, so a worker that lost it can write no more.
"""

from __future__ import annotations

from engine import events
from engine.errors import LeaseLost
from engine.records import Attempt, Step
from engine.rules.decide.finish import Finished, close_attempt, has_error
from engine.rules.draft import Draft
from engine.rules.fence import end_attempt
from engine.rules.outcomes import Ended, Failure, facts_of
from engine.states import AttemptOutcome, StepStatus


def begin_inner(draft: Draft, outer: Attempt, node: str) -> tuple[Step, Attempt]:
    """Start the next inner step of a running block; the first takes back what was done. Raises LeaseLost.

    ``outer`` is the block's attempt. The inner step runs as that kind and on that version, even where a re-trigger of
    another step has moved the request to a newer one meanwhile.

    A second call for the same one finds it running, and gives it again: the answer to the first commit was lost.
    """
    holder = _held(draft, outer.node, outer.number)
    unit = draft.graph.unit(outer.node)[1:]
    step = draft.steps[node]
    if step.status is not StepStatus.RUNNING:
        if node == unit[0]:
            _start_over(draft, unit)
        step = draft.change_step(
            node, status=StepStatus.RUNNING, attempt=step.attempt + 1, trigger=holder.trigger, error=None
        )
        draft.attempts.append(_attempt(draft, step, holder, outer))
    return step, _attempt(draft, step, holder, outer)


def end_inner(draft: Draft, block: str, attempt: int, done: Finished, outcome: Ended) -> None:
    """Write what an inner step came to. Raises LeaseLost when the block, or the step, was taken away meanwhile."""
    step = draft.steps[done.node]
    if _stored_already(step, done, outcome):
        return  # the answer to the commit that stored it was lost
    _held(draft, block, attempt)
    if step.status is not StepStatus.RUNNING or step.attempt != done.attempt:
        raise LeaseLost(draft.request.id, done.node, done.attempt)
    close_attempt(draft, step, done, outcome)
    if isinstance(outcome, Failure):
        retries = step.retries + (done.retry_in is not None)
        draft.change_step(step.node, status=StepStatus.FAILED, error=outcome.error, retries=retries)
        facts = {**facts_of(outcome), "inner": True, "delay": done.retry_in}
        draft.event(events.FAILED, step.node, attempt=step.attempt, data=facts)
    else:
        draft.change_step(step.node, status=StepStatus.COMPLETED, error=None)
        draft.set_result(step.node, outcome.result)
        draft.event(events.COMPLETED, step.node, attempt=step.attempt, data={**facts_of(outcome), "inner": True})


def _stored_already(step: Step, done: Finished, outcome: Ended) -> bool:
    """Whether it has ended as this very outcome says; one whose block was given up has failed of that instead."""
    if step.attempt != done.attempt:
        return False
    if isinstance(outcome, Failure):
        return step.status is StepStatus.FAILED and has_error(step, outcome)
    return step.status is StepStatus.COMPLETED


def interrupt_inner(draft: Draft, block: str, outcome: AttemptOutcome, error: str | None = None) -> bool:
    """The worker of the block is gone: close what ran inside. Returns whether a call may have been under way."""
    sent = False
    for name in draft.graph.unit(block)[1:]:
        if draft.steps[name].status is StepStatus.RUNNING:
            sent = end_attempt(draft, name, outcome, error) is not None or sent
            draft.change_step(name, status=StepStatus.PENDING)
    return sent


def _held(draft: Draft, block: str, attempt: int) -> Step:
    holder = draft.steps[block]
    if holder.status is not StepStatus.RUNNING or holder.attempt != attempt:
        raise LeaseLost(draft.request.id, block, attempt)
    return holder


def _start_over(draft: Draft, unit: tuple[str, ...]) -> None:
    for name in unit:
        step = draft.steps[name]
        if step.status is StepStatus.COMPLETED:
            draft.set_result(name, None)
        if step.status is not StepStatus.PENDING:
            draft.change_step(name, status=StepStatus.PENDING, error=None)


def _attempt(draft: Draft, step: Step, holder: Step, outer: Attempt) -> Attempt:
    return Attempt(
        step.request_id,
        step.node,
        step.attempt,
        outer.kind,
        step.visit,
        outer.workflow_version,
        holder.worker,
        draft.now,
        holder.trigger,
    )
