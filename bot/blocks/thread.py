"""The audit in the thread: one line for each act and each outcome, with who, when and why (SPEC 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.blocks import fit
from bot.blocks.fit import Message
from bot.blocks.parts import section
from bot.text import Dates, bold, code, said
from bot.words import DOORS
from engine import events
from engine.commands.documents import EventDocument
from engine.graph import REJECTED
from engine.limits import MAX_RECOVERIES
from engine.records import Event
from engine.states import RequestStatus

Told = Event | EventDocument


def line(event: Told, request_id: int, dates: Dates) -> str:
    """The event as one line of mrkdwn."""
    return f"{sentence(event, request_id)} · {dates.time(event.at)}{why(event)}"


def sentence(event: Told, request_id: int) -> str:
    """What happened, without when and why."""
    if event.kind in events.ACTS:
        return _act(event, request_id)
    if event.kind == events.STATUS:
        return _status(event, request_id)
    return _SENTENCES.get(event.kind, _other)(event)


def standing_still(event: Event, request_id: int, marker: str) -> Message:
    """That no engine here can read the version that a request is on; ``marker`` as in a card."""
    stands = f"🔴 REQ-{request_id} stands still, and so does whatever else is to go on in its version."
    mend = "Run the Retrigger that published it, or bring its row back from a backup; then all go on by themselves."
    text = f"{stands} {said(event.reason or '')} {mend}"
    return fit.message(text, [section(text, block_id=marker)])


def shown_in_channel(event: Told) -> bool:
    """Whether the line is shown in the channel too: a new block is; the first one is the card itself, and one of what
    counts no more blocks nothing."""
    data = _data(event)
    return (event.kind == events.BLOCKED or events.is_stuck(data)) and not (data.get("first") or data.get("stale"))


def _act(event: Told, request_id: int) -> str:
    did = {
        events.RETRIGGERED: f"re-triggered {_step(event)} (this step only)",
        events.RETRIGGERED_FLOW: f"re-triggered step and flow at {_step(event)}",
        events.INPUT_PROVIDED: f"provided input for {_step(event)}",
        events.CONTINUED: "continued the flow",
        events.WITHDRAWN: f"withdrew REQ-{request_id}",
        events.APPROVED: f"approved {_step(event)}",
        events.REJECTED: f"rejected {_step(event)}",
    }[event.kind]
    data = _data(event)
    extras = [text for name, text in _EXTRAS.items() if data.get(name)]
    if version := data.get("version"):
        extras.append(f"with version {said(str(version))}")
    door = DOORS.get(event.door or "")
    return " ".join([bold(event.by or "Somebody"), did, *([door] if door else [])]) + "".join(f", {e}" for e in extras)


_EXTRAS = {
    "update_status": "allowing the workflow status to be updated",
    "new_key": "with a new idempotency key",
    "confirmed": "confirming that the earlier call may have taken effect",
}


def _completed(event: Told) -> str:
    outlet = _data(event).get("outlet")
    if outlet == REJECTED:
        return f"⛔ {_step(event)} was left by its path rejected{_attempt(event)}"
    by = f", by its path {said(str(outlet))}" if outlet else ""
    return f"✅ {_step(event)} completed{_attempt(event)}{by}"


def _waits(event: Told) -> str:
    data = _data(event)
    names = [said(str(name)) for name in data.get("approvers", ())]
    whose = f"each of {', '.join(names)}" if data.get("need") == "all" else " or ".join(names)
    return f"🕒 {_step(event)} waits for the approval of {whose}"


def _failed(event: Told) -> str:
    if _data(event).get("inner"):
        return f"🟠 {_step(event)} failed inside its block{_attempt(event)}: {_error(event)}"
    if "before" in _data(event):
        return f"🟠 {_step(event)} failed again{_attempt(event)}: {_error(event)}"
    return f"🟠 {_step(event)} failed{_attempt(event)}, and its failure path is taken: {_error(event)}"


def _blocked(event: Told) -> str:
    data = _data(event)
    if data.get("stale"):
        return f"{_step(event)} failed{_attempt(event)}, and blocks nothing, as it is stale: {_error(event)}"
    if data.get("before") is None:
        return f"🔴 {_step(event)} is blocked{_attempt(event)}: {_error(event)}"
    if data.get("before") == data.get("error"):
        return f"🔴 {_step(event)} is blocked again{_attempt(event)}: same error"
    return f"🔴 {_step(event)} is blocked again{_attempt(event)}, with another error: {_error(event)}"


def _late(event: Told) -> str:
    outcome = said(str(_data(event).get("outcome", "ended")))
    return (
        f"Late result of {_step(event)}{_attempt(event)}: it {outcome} after its worker had lost it. "
        "Kept as evidence; it changed nothing"
    )


def _lost(event: Told) -> str:
    recovery = said(str(_data(event).get("recovery", "?")))
    return f"The worker of {_step(event)} was lost{_attempt(event)}; automatic recovery {recovery} of {MAX_RECOVERIES}"


def _cancelled(event: Told) -> str:
    data = _data(event)
    if data.get("taken_back"):
        return f"⚪ {_step(event)} was taken back: a step before it was acted on, and decides whether it runs again"
    return f"⚪ {_step(event)} was cancelled{', as an end of the request was reached' if data.get('by_end') else ''}"


def _status(event: Told, request_id: int) -> str:
    if events.is_stuck(event.data):
        return f"🔴 REQ-{request_id} is {bold(RequestStatus.BLOCKED.label)}: {stopped(event)}"
    to = _data(event).get("to", "")
    label = RequestStatus(to).label if to in list(RequestStatus) else str(to)
    return f"REQ-{request_id} is {bold(label)}"


def stopped(event: Told) -> str:
    """Why a request cannot go on that no step blocks."""
    return said(event.reason or "nothing in it can go on by itself").rstrip(".")


def _other(event: Told) -> str:
    return f"{said(event.kind.replace('_', ' '))} {_step(event) if event.node else ''}".strip()


_SENTENCES: dict[str, Callable[[Told], str]] = {
    events.COMPLETED: _completed,
    events.FAILED: _failed,
    events.BLOCKED: _blocked,
    events.LATE: _late,
    events.LOST: _lost,
    events.CANCELLED: _cancelled,
    events.WAITS: _waits,
    events.LOOKING: lambda event: f"👀 {bold(event.by or 'Somebody')} is looking at this",
    events.LOOKED: lambda event: f"{bold(event.by or 'Somebody')} is no longer looking at this",
}


def why(event: Told) -> str:
    """The reason that was typed, as the rest of a sentence."""
    if not event.reason or event.kind == events.STATUS:
        return ""
    return f" · reason: {said(event.reason, 1000)}"


def _attempt(event: Told) -> str:
    facts = [f"attempt {event.attempt}"] if event.attempt else []
    facts += [said(str(call).replace("_", " "))] if (call := _data(event).get("call")) else []
    return f" ({', '.join(facts)})" if facts else ""


def _error(event: Told) -> str:
    return said(str(_data(event).get("error") or "no reason was given"))


def _step(event: Told) -> str:
    return code(event.node or "?")


def _data(event: Told) -> dict[str, Any]:
    return event.data or {}
