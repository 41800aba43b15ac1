"""An attempt ended with an outcome: what becomes of the step, of what is behind it, and of the request (SPEC 3, 4)."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from engine import events
from engine.graph import FAILURE
from engine.records import AttemptEnd, Event, Step
from engine.rules.decide.alone import fail_alone, fails_again, succeed_alone
from engine.rules.draft import Draft
from engine.rules.effects import ASKED, ended
from engine.rules.fence import end_attempt, is_open_wait
from engine.rules.flow import settle
from engine.rules.outcomes import Ended, Failure, Outcome, Success, Waits, facts_of
from engine.rules.status import recalculate
from engine.rules.telling import tell_outcome
from engine.states import RETRIGGERABLE, AttemptKind, AttemptOutcome, CallEffect, StepStatus
from engine.values.storable import storable


class Finished(NamedTuple):
    """One attempt's end, ready to be written: everything rendered, masked and serialised beforehand.

    ``response`` is JSON text. ``retry_in`` is the retry rule's answer for a failure, in seconds.
    """

    node: str
    attempt: int
    outcome: Outcome
    response: str | None = None
    retry_in: float | None = None


def finish(draft: Draft, done: Finished) -> bool:
    """Write the outcome. False when the attempt had lost its lease: its result is evidence and changes nothing."""
    step = draft.steps.get(done.node)
    if step is None or step.status is not StepStatus.RUNNING or step.attempt != done.attempt:
        if _stored_already(step, done):
            return True
        if not isinstance(done.outcome, Waits):
            late(draft, done, done.outcome)
        return False
    if isinstance(done.outcome, Waits):
        begin_to_wait(draft, step, done.outcome)
    else:
        conclude(draft, step, done, _on_this_version(draft, step, done.outcome))
    return True


def _on_this_version(draft: Draft, step: Step, outcome: Ended) -> Ended:
    """A decision that ran while a re-trigger named another version may have chosen a path that this one lacks."""
    leads_on = draft.graph.outlets.get(step.node)
    if not leads_on or isinstance(outcome, Failure) or outcome.outlet in leads_on:
        return outcome
    version = draft.request.workflow_version
    why = f"{step.node} chose {outcome.outlet}, a path that version {version} does not have. Re-trigger it"
    return Failure(f"{why}: then version {version} decides.", outcome.call, must_block=True)


def conclude(draft: Draft, step: Step, done: Finished, outcome: Ended) -> None:
    """The open attempt ended, and the flow goes on from it."""
    if step.sent_key is not None and outcome.call is None:  # a function with a key that was given up, a defect of ours
        outcome = outcome._replace(call=CallEffect.UNKNOWN)
    step = close_attempt(draft, step, done, outcome)
    if isinstance(outcome, Success):
        _succeeded(draft, step, outcome)
    elif done.retry_in is not None:
        _retry(draft, step, outcome, done.retry_in)
    else:
        _failed(draft, step, outcome)


def close_attempt(draft: Draft, step: Step, done: Finished, outcome: Ended) -> Step:
    """Write the end of the open attempt, and what its call did. The status is the caller's to change."""
    how = AttemptOutcome.SUCCEEDED if isinstance(outcome, Success) else AttemptOutcome.FAILED
    error = None if isinstance(outcome, Success) else outcome.error
    of_it = (step.request_id, step.node, step.attempt)
    draft.ends.append(AttemptEnd(*of_it, how, draft.now, error, outcome.call, done.response))
    free = {"worker": None, "lease_until": None, "wakes_at": None, "approval": None}
    if isinstance(outcome, Failure) and outcome.second_effect:  # what the call before did is still what counts
        about_call: dict[str, Any] = {**ended(step, outcome.call), "repeat": ASKED}
    else:  # one that did not call keeps the last call's
        about_call = {**ended(step, outcome.call), "call": outcome.call or step.call}
    return draft.change_step(step.node, **free, **about_call)


def begin_to_wait(draft: Draft, step: Step, waits: Waits) -> None:
    """Nobody holds the step any more; its attempt stays open. What came early, or is over already, ends it at once."""
    until = waits.until if waits.seconds is None else draft.now + waits.seconds
    draft.change_step(
        step.node,
        status=StepStatus.WAITING,
        due_at=None,
        worker=None,
        lease_until=None,
        wakes_at=until,
        approval=waits.approval,
        error=None,
    )
    facts: dict[str, Any] = {} if until is None else {"until": until}
    if waits.approval is not None:
        facts |= {"approvers": list(waits.approval.approvers), "need": waits.approval.need}
    draft.event(events.WAITS, step.node, attempt=step.attempt, data=facts or None)
    waiting = draft.steps[step.node]
    if waiting.early:
        waiting = draft.change_step(step.node, early=False)
        came = Success(None)
        conclude(draft, waiting, Finished(step.node, step.attempt, came), came)
    elif waiting.kind == "delay" and until is not None and until <= draft.now:
        over = Success("null")
        conclude(draft, waiting, Finished(step.node, step.attempt, over), over)


def _stored_already(step: Step | None, done: Finished) -> bool:
    """Whether the answer to the commit that stored this very outcome was lost, so that it is handed over again."""
    if step is None or step.attempt != done.attempt:
        return False
    if isinstance(done.outcome, Waits):  # and not for its next try, after its worker died
        return is_open_wait(step) or step.status is StepStatus.COMPLETED
    if isinstance(done.outcome, Success):
        return step.status is StepStatus.COMPLETED
    if done.retry_in is not None:
        return step.status is StepStatus.WAITING and step.next_kind is AttemptKind.RETRY
    return step.status in RETRIGGERABLE and has_error(step, done.outcome)


def has_error(step: Step, failure: Failure) -> bool:
    """Whether the step has this error, perhaps as a database gave it back."""
    return storable(step.error or "") == storable(failure.error)


def late(draft: Draft, done: Finished, outcome: Ended) -> None:
    """Keep the result of an attempt that had ended otherwise: evidence that changes nothing (SPEC 3.4)."""
    evidence: dict[str, Any] = {"outcome": "succeeded" if isinstance(outcome, Success) else "failed"}
    if outcome.call is not None:
        evidence["call"] = outcome.call.value
    if isinstance(outcome, Failure):
        evidence["error"] = outcome.error
    text = json.dumps(evidence)
    kind = AttemptOutcome.SUCCEEDED if isinstance(outcome, Success) else AttemptOutcome.FAILED
    draft.ends.append(AttemptEnd(draft.request.id, done.node, done.attempt, kind, draft.now, late=text))
    draft.event(events.LATE, done.node, attempt=done.attempt, data=evidence)


def _succeeded(draft: Draft, step: Step, outcome: Success) -> None:
    if outcome.result is not None:
        draft.set_result(step.node, outcome.result)
    event = draft.event(events.COMPLETED, step.node, attempt=step.attempt, data=facts_of(outcome) or None)
    if step.only:
        succeed_alone(draft, step, outcome)
    else:
        complete(draft, step.node, outcome.outlet)
    tell_outcome(draft, step, event)


def complete(draft: Draft, node: str, outlet: str) -> None:
    """The step is completed, and the flow goes on from it."""
    step = draft.steps[node]
    draft.change_step(node, status=StepStatus.COMPLETED, outlet=outlet, due_at=None, error=None, was=None)
    settle(draft, [node], step.trigger)
    move_on(draft)


def move_on(draft: Draft) -> None:
    """Give the request the status that follows from its steps."""
    status, reason = recalculate(draft.graph, draft.steps)
    draft.change_request(status, reason)


def _retry(draft: Draft, step: Step, failure: Failure, delay: float) -> None:
    draft.change_step(
        step.node,
        status=StepStatus.WAITING,
        due_at=draft.now + delay,
        next_kind=AttemptKind.RETRY,
        retries=step.retries + 1,
        error=failure.error,
    )
    draft.event(events.RETRY, step.node, attempt=step.attempt, data={**facts_of(failure), "delay": delay})


def _failed(draft: Draft, step: Step, failure: Failure) -> None:
    """Retries used up, or of no use: the failure path, if there is one and the step did not run alone; else blocked."""
    fail_inner(draft, step.node, failure.error)
    if fails_again(step):
        event = fail_alone(draft, step, failure)
    elif FAILURE in draft.graph.outlets[step.node] and not failure.must_block and not step.only:
        event = draft.event(events.FAILED, step.node, attempt=step.attempt, data=facts_of(failure))
        draft.change_step(step.node, status=StepStatus.FAILED, outlet=FAILURE, error=failure.error, was=None)
        settle(draft, [step.node], step.trigger)
        move_on(draft)
    else:
        event = block(draft, step.node, failure)
    tell_outcome(draft, step, event)


def fail_inner(draft: Draft, block: str, error: str) -> None:
    """What a block that was given up had running inside it has failed with it, and its call is the block's."""
    for name in draft.graph.unit(block)[1:]:
        if draft.steps[name].status is StepStatus.RUNNING:
            own = error.removeprefix(f"{name}: ")
            call = end_attempt(draft, name, AttemptOutcome.FAILED, own)
            draft.change_step(name, status=StepStatus.FAILED, error=own)
            draft.change_step(block, call=call or draft.steps[block].call)


def block(draft: Draft, node: str, failure: Failure, **more: bool) -> Event:
    """The step waits for a person, and so does the request; side branches that can go on do go on."""
    before = draft.steps[node]
    trigger = before.trigger
    again = trigger.error if trigger is not None and trigger.node == node else None
    stale = {"stale": True} if before.stale else {}  # on the path of before: it counts no more
    facts = {**facts_of(failure), "before": again, "first": not draft.request.alerted, **stale, **more}
    event = draft.event(events.BLOCKED, node, attempt=before.attempt, data=facts)
    draft.change_step(
        node,
        status=StepStatus.BLOCKED,
        error=failure.error,
        due_at=None,
        worker=None,
        lease_until=None,
        wakes_at=None,
        only=False,
        was=None,
    )
    draft.note_blocked(node)
    move_on(draft)
    return event
