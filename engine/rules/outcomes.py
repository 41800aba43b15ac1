"""What the execution of a step came to: plain values, handed to the pure rules."""

from __future__ import annotations

from typing import Any, NamedTuple

from engine.graph import SUCCESS
from engine.records import Approval
from engine.states import CallEffect


class Success(NamedTuple):
    """``result`` is JSON text, None where it was kept before (a callback that came early); ``outlet`` the path to leave
    by; ``call`` None for steps without an outside call."""

    result: str | None
    outlet: str = SUCCESS
    call: CallEffect | None = None


class Failure(NamedTuple):
    """``error`` is one sentence, already masked. ``retryable``: trying again may mend it (SPEC 3.1).

    ``retry_after`` is the other side's wish in seconds. ``response`` is the last response's body, JSON-able and masked,
    for Provide input to start from. ``must_block``: the failure path is not for this (an undefined value, SPEC 2).
    """

    error: str
    call: CallEffect | None = None
    retryable: bool = False
    retry_after: float | None = None
    response: Any = None
    must_block: bool = False
    second_effect: bool = False  # stopped before it left: it would repeat a call under another key


class Waits(NamedTuple):
    """The step waits for something outside, and no worker holds it meanwhile.

    Until ``until`` (seconds since the epoch), or for ``seconds`` from when this is stored, or, with neither, until
    somebody answers.
    """

    seconds: float | None = None
    until: float | None = None
    approval: Approval | None = None


Outcome = Success | Failure | Waits
Ended = Success | Failure


def facts_of(ended: Ended) -> dict[str, Any]:
    """What the audit event of an attempt's end tells of it; engine.audit.facts reads the outcome back from that."""
    facts: dict[str, Any] = {} if ended.call is None else {"call": ended.call.value}
    if isinstance(ended, Failure):
        facts |= {"error": ended.error, **({"stopped": True} if ended.second_effect else {})}
    elif ended.outlet != SUCCESS:
        facts["outlet"] = ended.outlet
    return facts
