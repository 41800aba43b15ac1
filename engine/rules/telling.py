"""Who is told privately what came of their act (SPEC 7): not only that it was accepted. Pure.

Of many re-triggered together nobody is told one by one: the cause card and its thread tell them all at once.
"""

from __future__ import annotations

from engine import events
from engine.records import PRIVATE, Event, Step
from engine.rules.draft import Draft
from engine.states import MOVING


def tell_outcome(draft: Draft, step: Step, event: Event) -> None:
    """The person whose act the ``event`` ends; and where their flow was blocked later, by a step or by none. How the
    flow ended is told when the draft is closed."""
    trigger = step.trigger
    if trigger is None or trigger.bulk is not None:
        return
    if trigger.node == step.node or event.kind == events.BLOCKED:
        draft.tell(trigger, event)
    elif (stuck := _stuck(draft)) is not None and not _is_told(draft, trigger.actor):
        draft.tell(trigger, stuck)


def tell_given_up(draft: Draft, step: Step, event: Event) -> None:
    """The person whose act on the step came to nothing: ``event``, another's act or an end, was first. Who continued
    the flow acted on no step: they hear of one of those that ran because of it."""
    trigger = step.trigger
    if trigger is None or trigger.bulk is not None or step.status not in MOVING:
        return
    if trigger.node == step.node or (trigger.node is None and not _is_told(draft, trigger.actor)):
        draft.tell(trigger, event)


def _is_told(draft: Draft, actor: str) -> bool:
    return any(notice.kind in PRIVATE and notice.actor == actor for notice in draft.notices)


def _stuck(draft: Draft) -> Event | None:
    """That the flow cannot go on by itself."""
    return next((e for e in draft.events if e.kind == events.STATUS and events.is_stuck(e.data)), None)
