"""Who is looking at a blocked request, so that two people need not find out the same twice. It locks nobody out.

It is kept as audit events only: whoever said so last is looking, for a quarter of an hour, unless they or the request's
status have changed since. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from engine import events
from engine.errors import Conflict, Refused
from engine.limits import LOOK_SECONDS
from engine.records import Event, Notice, Request
from engine.rules.decide.act import Act
from engine.states import RequestStatus

KINDS = (events.LOOKING, events.LOOKED, events.STATUS)  # the last of these tells


class Looking(NamedTuple):
    """``actor`` is stable, ``by`` a name to show; ``since`` and ``until`` are seconds since the epoch."""

    actor: str
    by: str
    since: float
    until: float


class Looked(NamedTuple):
    """What is to be stored: an audit event, what is to be told now, and the card once more when it is over."""

    event: Event
    notices: tuple[Notice, ...]
    over: float | None


def looking(told: Iterable[Event], now: float) -> Looking | None:
    """Who is looking now, by the request's events in the order in which they were stored."""
    last = next((event for event in reversed(list(told)) if event.kind in KINDS), None)
    if last is None or last.kind != events.LOOKING or last.data is None or last.data["until"] <= now:
        return None
    return Looking(last.actor or "", last.by or "", last.data["since"], last.data["until"])


def look(request: Request, present: Looking | None, now: float, *, act: Act, seen: str | None) -> Looked:
    """This person is looking from now on. ``seen``: the id of whom they saw to be, and take it over from; of two who
    click at once, the second is told who was first. Raises Refused, Conflict."""
    if request.status is not RequestStatus.BLOCKED:
        raise Refused(f"REQ-{request.id} is {request.status.label}: nobody has to look at it.")
    mine = present is not None and present.actor == act.actor
    if present is not None and not mine and present.actor != seen:
        raise Conflict(f"REQ-{request.id}", "being looked at", present.by, present.since, "began")
    since = present.since if present is not None and mine else now
    event = _event(request, events.LOOKING, act, now, {"since": since, "until": now + LOOK_SECONDS})
    return _told(request, event, not mine, now + LOOK_SECONDS)


def look_away(request: Request, present: Looking | None, now: float, *, act: Act) -> Looked:
    """They look no longer. Raises Refused."""
    if present is None:
        raise Refused(f"Nobody is looking at REQ-{request.id} any more.")
    if present.actor != act.actor:
        raise Refused(f"{present.by} is looking at REQ-{request.id}. Only they can give that up; you can take it over.")
    return _told(request, _event(request, events.LOOKED, act, now, None), True, None)


def _event(request: Request, kind: str, act: Act, now: float, data: dict[str, float] | None) -> Event:
    return Event(request.id, kind, now, by=act.by, actor=act.actor, door=act.door, data=data)


def _told(request: Request, event: Event, worth_a_line: bool, over: float | None) -> Looked:
    if not request.alerted:
        return Looked(event, (), None)
    line = (Notice(request.id, "line", event),) if worth_a_line else ()
    return Looked(event, (Notice(request.id, "card"), *line), over)
