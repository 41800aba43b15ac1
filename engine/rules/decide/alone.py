"""A step that a person re-triggered alone has ended: nothing behind it starts, and the request's status stays as it is
unless they ticked the box (SPEC 4)."""

from __future__ import annotations

from engine import events
from engine.records import Event, Step
from engine.rules.draft import Draft
from engine.rules.flow import cut_off, mark_stale, settle
from engine.rules.outcomes import Failure, Success, facts_of
from engine.rules.status import recalculate
from engine.states import RETRIGGERABLE, RequestStatus, StepStatus
from engine.texts import REMAINING_NOT_STARTED


def succeed_alone(draft: Draft, step: Step, outcome: Success) -> None:
    """Step only (SPEC 4): completed and held. With the box ticked the request's status is recalculated."""
    mark_stale(draft, step.node)
    draft.change_step(
        step.node,
        status=StepStatus.COMPLETED,
        outlet=outcome.outlet,
        held=True,
        error=None,
        only=False,
        was=None,
    )
    draft.revise()
    if not step.update_status:
        _alone_no_more(draft)
        _forget_the_error(draft)
        return
    status, reason = recalculate(draft.graph, draft.steps, ended_at=step.node)
    if status in (RequestStatus.BLOCKED, RequestStatus.IN_PROGRESS):
        draft.change_request(status, reason)
    elif _would_start_others(draft, step, outcome.outlet):
        draft.change_request(RequestStatus.BLOCKED, REMAINING_NOT_STARTED)
    else:
        _go_to_its_end(draft, step, outcome.outlet)
        draft.change_request(*recalculate(draft.graph, draft.steps))


def _forget_the_error(draft: Draft) -> None:
    """The status stays as it is, and its reason must not name what is mended."""
    if draft.request.status is RequestStatus.BLOCKED:
        _, reason = recalculate(draft.graph, draft.steps)
        draft.change_request(RequestStatus.BLOCKED, reason or REMAINING_NOT_STARTED)


def _would_start_others(draft: Draft, step: Step, outlet: str) -> bool:
    """Whether a node waits only to hear which path the step has not taken. It comes with Continue flow: no plan of a
    step that runs alone has listed it."""
    trial = Draft(draft.request, draft.steps, draft.graph, draft.now, told=False)
    _go_to_its_end(trial, step, outlet)
    return trial.moving()


def _go_to_its_end(draft: Draft, step: Step, outlet: str) -> None:
    """The flow goes on from it after all. An end of before may stand skipped, or completed and stale."""
    for edge in draft.graph.outgoing[step.node]:
        if edge.outlet == outlet:
            draft.change_step(edge.target, status=StepStatus.PENDING, stale=False)
    draft.change_step(step.node, held=False)
    settle(draft, [step.node], step.trigger)


def fails_again(step: Step) -> bool:
    """Whether the step runs alone and had failed before: then a failure is no news, and changes nothing else. That of
    an approval or a callback which was waiting when it was issued anew is news: somebody must say how to go on."""
    return step.only and step.was in RETRIGGERABLE


def fail_alone(draft: Draft, step: Step, failure: Failure, **more: bool) -> Event:
    """Step only, fails again: as it was before, ticked or not, and so is the request (SPEC 4), unless another path has
    come meanwhile to where both meet."""
    back = StepStatus.FAILED if step.was is StepStatus.FAILED else StepStatus.BLOCKED
    kind = events.FAILED if back is StepStatus.FAILED else events.BLOCKED
    facts = {**facts_of(failure), "before": step.trigger.error if step.trigger else None, **more}
    event = draft.event(kind, step.node, attempt=step.attempt, data=facts)
    draft.change_step(step.node, status=back, error=failure.error, only=False, was=None)
    draft.note_blocked(step.node)
    if back is StepStatus.FAILED and draft.request.status is not RequestStatus.FAILED:
        _let_others_go_on(draft, step.node)
    _alone_no_more(draft)
    return event


def _let_others_go_on(draft: Draft, node: str) -> None:
    """Where another path has come, meanwhile, to a node at which both meet, it goes on as it would have, had nobody
    touched the step (docs/decisions/0007)."""
    meetings = {e.target for e in draft.graph.outgoing[node] if len(draft.graph.incoming[e.target]) > 1}
    waited = meetings.intersection(cut_off(draft))
    if waited:
        settle(draft, [node], only=waited)
        draft.change_request(*recalculate(draft.graph, draft.steps))


def _alone_no_more(draft: Draft) -> None:
    """A step that ran alone has ended, which leaves the request untouched. But where that was the last that moved,
    In progress would say what is not so, and an end that had only waited for it stands now."""
    if draft.moving():
        return
    status, reason = recalculate(draft.graph, draft.steps)
    if draft.request.status is RequestStatus.IN_PROGRESS or status is not RequestStatus.BLOCKED:
        draft.change_request(status, reason)
