"""No call is made a second time under another key unless a person allowed it (SPEC 4, *Idempotency key*). Pure.

A step remembers the key of its latest call that may have taken effect, over visits, re-triggers and versions. A call
under another key is stopped before it leaves, unless a person's confirmation stands; that is good for one key only.
"""

from __future__ import annotations

from typing import Any

from engine.errors import ConfirmationNeeded
from engine.records import Step
from engine.states import CallEffect

ANY = "*"  # a person confirmed: good for the next key, whatever it will be
ASKED = "?"  # a call was stopped for want of a confirmation


def leaving(step: Step, key: str) -> dict[str, Any]:
    """The fields of a step whose call is about to leave. Raises ConfirmationNeeded."""
    second = step.effect_key not in (None, key)
    if second and step.repeat not in (ANY, key):
        raise ConfirmationNeeded((step.node,))
    return {"sent_key": key, "repeat": key if second else None}


def ended(step: Step, call: CallEffect | None) -> dict[str, Any]:
    """The fields of a step whose attempt ended; ``call`` is what its call is known to have done."""
    if step.sent_key is None or call is None or not call.may_have_taken_effect:
        return {"sent_key": None}
    return {"sent_key": None, "effect_key": step.sent_key, "repeat": None}


def cut_short(step: Step) -> dict[str, Any]:
    """The fields of a step whose attempt is given up while its call may be under way."""
    return ended(step, CallEffect.UNKNOWN)


def may_have_had_effect(step: Step) -> bool:
    """Whether a call of the step, the one under way included, may have taken effect."""
    return step.effect_key is not None or step.sent_key is not None
