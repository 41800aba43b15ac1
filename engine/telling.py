"""Who is told privately what came of their act (SPEC 7): not only that it was accepted. Pure.

Of many re-triggered together nobody is told one by one: the cause card and its thread tell them all at once.
"""

from __future__ import annotations

from engine import events
from engine.draft import Draft
from engine.records import Event, Step
from engine.states import FINAL, MOVING, RequestStatus


def tell_outcome(draft: Draft, step: Step, event: Event) -> None:
    """The person whose act the ``event`` ends; and where their flow was blocked later."""
    cause = step.cause
    if cause is None or cause.bulk is not None:
        return
    if cause.node == step.node or event.kind == events.BLOCKED:
        draft.tell(cause.actor, event)
    elif cause.node is None and _ended(draft):  # who continued the flow acted on no step: they hear how it ended
        draft.tell(cause.actor, next(one for one in reversed(draft.events) if one.kind == events.STATUS))


def tell_given_up(draft: Draft, step: Step, event: Event) -> None:
    """The person whose act on the step came to nothing: ``event``, another's act or an end, was first."""
    cause = step.cause
    if cause is not None and cause.bulk is None and cause.node == step.node and step.status in MOVING:
        draft.tell(cause.actor, event)


def _ended(draft: Draft) -> bool:
    over = draft.request.status in FINAL or draft.request.status is RequestStatus.FAILED
    return over and draft.request.status is not draft.before.status
