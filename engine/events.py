"""The kinds of audit events, and which of them are told in a request's Slack thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.records import Event

SUBMITTED = "submitted"
COMPLETED = "step_completed"
FAILED = "step_failed"  # left by its failure path
BLOCKED = "step_blocked"
RETRY = "retry_scheduled"
LOST = "worker_lost"
RETURNED = "returned"
LATE = "late_result"
CANCELLED = "step_cancelled"
WAITS = "step_waits"  # for a time, an answer or a call
CALLED_EARLY = "called_early"  # a callback was called before it waited
RETRIGGERED = "retriggered"
RETRIGGERED_FLOW = "retriggered_flow"
INPUT_PROVIDED = "input_provided"
CONTINUED = "continued"
APPROVED = "approved"
REJECTED = "rejected"
WITHDRAWN = "withdrawn"
LOOKING = "looking"  # somebody is looking at the blocked request; no act, for it changes nothing
LOOKED = "looked"  # and is no longer
STATUS = "status_changed"
REFUSED = "refused"
BULK_BEGUN = "bulk_begun"
BULK_GOES_ON = "bulk_goes_on"  # the canary recovered
BULK_STOPPED = "bulk_stopped"
BULK_ENDED = "bulk_ended"
PUBLISHED = "published"  # a version of a workflow
KEY_CREATED = "key_created"
KEY_REVOKED = "key_revoked"
GRANTED = "granted"
GRANT_REVOKED = "grant_revoked"
STANDS_STILL = "stands_still"  # told, and not in the audit, which has no words for what cannot be read
PRUNED = "pruned"  # many requests at once; it is of none of them

ACTS = frozenset({RETRIGGERED, RETRIGGERED_FLOW, INPUT_PROVIDED, CONTINUED, WITHDRAWN, APPROVED, REJECTED})
BESIDE = frozenset({REFUSED, LOOKING, LOOKED})  # they change nothing of a request
# Told in the thread once a request has a card: every act and every outcome (SPEC 7).
THREAD = ACTS | {COMPLETED, FAILED, BLOCKED, LATE, LOST, WAITS}
ENDINGS = frozenset({"completed", "failed", "rejected"})

# What somebody did, in the words of every door.
DID = {
    RETRIGGERED: "re-triggered",
    RETRIGGERED_FLOW: "re-triggered step and flow",
    INPUT_PROVIDED: "provided input",
    CONTINUED: "continued the flow",
    APPROVED: "approved",
    REJECTED: "rejected",
    WITHDRAWN: "withdrew it",
}
RUN_AGAIN = frozenset({RETRIGGERED, RETRIGGERED_FLOW})  # their ``attempt`` is the one that is to come
LET_RUN = frozenset({DID[RETRIGGERED_FLOW], DID[INPUT_PROVIDED], DID[CONTINUED]})  # the flow, and not one step only


def is_stuck(data: Mapping[str, Any] | None) -> bool:
    """Whether these facts of a status change say that the request is Blocked, and by no step (SPEC 3.5)."""
    return bool(data and data.get("stuck"))


def is_end(event: Event) -> bool:
    """Whether it says that the request has come to its end, by itself or by a person."""
    return event.kind == WITHDRAWN or (event.kind == STATUS and (event.data or {}).get("to") in ENDINGS)


def told(event: Event) -> bool:
    """Whether the thread gets a line for it. Of status changes only the endings, and that no step blocks what is
    Blocked: the others follow from an act or a blocked step that has its own line."""
    if event.kind == STATUS:
        return (event.data or {}).get("to") in ENDINGS or is_stuck(event.data)
    if event.kind == COMPLETED and event.attempt is None:
        return False  # a branch, a merge or an end, which nobody waits for
    if event.kind == WAITS:
        return "approvers" in (event.data or {})  # for people; nobody can hurry a time or a call
    return event.kind in THREAD
