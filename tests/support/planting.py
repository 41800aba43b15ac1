"""One change of what is stored of a request, as a hand in the database would make it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from engine import events
from engine.states import AttemptKind, AttemptOutcome, CallEffect, RequestStatus, StepStatus
from engine.stored import AttemptDetail, History

Plant = Callable[[History, random.Random], History | None]  # None: there is nothing of the kind in this history


def other(seed: random.Random, value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    for kind in (StepStatus, RequestStatus, AttemptOutcome, AttemptKind, CallEffect):
        if isinstance(value, kind):
            return seed.choice([one for one in kind if one is not value])
    if isinstance(value, int | float):
        return value + seed.choice((1, 2))
    return f"{value or ''}x"


def _of_step(field: str) -> Plant:
    def plant(history: History, seed: random.Random) -> History:
        place = seed.randrange(len(history.steps))
        step = history.steps[place]
        changed = step._replace(**{field: _value(field, getattr(step, field), seed)})
        return history._replace(steps=_with(history.steps, place, changed))

    return plant


def _of_request(field: str) -> Plant:
    def plant(history: History, seed: random.Random) -> History:
        value = _value(field, getattr(history.request, field), seed)
        return history._replace(request=history.request._replace(**{field: value}))

    return plant


def _of_start(field: str) -> Plant:
    def plant(history: History, seed: random.Random) -> History | None:
        if not history.attempts:
            return None
        place = seed.randrange(len(history.attempts))
        start = history.attempts[place].start
        changed = start._replace(**{field: _value(field, getattr(start, field), seed)})
        return _with_attempt(history, place, history.attempts[place]._replace(start=changed))

    return plant


def _of_end(field: str) -> Plant:
    def plant(history: History, seed: random.Random) -> History | None:
        places = [place for place, attempt in enumerate(history.attempts) if attempt.end is not None]
        if not places:
            return None
        place = seed.choice(places)
        end = history.attempts[place].end
        assert end is not None
        changed = end._replace(**{field: _value(field, getattr(end, field), seed)})
        return _with_attempt(history, place, history.attempts[place]._replace(end=changed))

    return plant


def _of_event(field: str) -> Plant:
    def plant(history: History, seed: random.Random) -> History | None:
        told = [place for place, event in enumerate(history.events) if event.kind not in _UNTOLD.get(field, ())]
        if not told:
            return None
        place = seed.choice(told)
        event = history.events[place]
        changed = event._replace(**{field: _value(field, getattr(event, field), seed)})
        return history._replace(events=_with(history.events, place, changed))

    return plant


def _value(field: str, value: Any, seed: random.Random) -> Any:
    if field == "trigger":
        return None if value is not None else ()
    if field in ("call", "was"):
        kinds: dict[str, Any] = {"call": [*CallEffect, None], "was": [*StepStatus, None]}
        return seed.choice([one for one in kinds[field] if one is not value])
    return other(seed, value)


def _end_lost(history: History, seed: random.Random) -> History | None:
    places = [place for place, attempt in enumerate(history.attempts) if attempt.end is not None]
    place = seed.choice(places) if places else None
    return None if place is None else _with_attempt(history, place, history.attempts[place]._replace(end=None))


def _key_lost(history: History, seed: random.Random) -> History | None:
    places = [place for place, attempt in enumerate(history.attempts) if attempt.idempotency_key is not None]
    place = seed.choice(places) if places else None
    key = seed.choice((None, "another"))
    return (
        None if place is None else _with_attempt(history, place, history.attempts[place]._replace(idempotency_key=key))
    )


def _row_gone(history: History, seed: random.Random) -> History:
    place = seed.randrange(len(history.steps))
    return history._replace(steps=(*history.steps[:place], *history.steps[place + 1 :]))


def _attempt_gone(history: History, seed: random.Random) -> History | None:
    if not history.attempts:
        return None
    place = seed.randrange(len(history.attempts))
    return history._replace(attempts=(*history.attempts[:place], *history.attempts[place + 1 :]))


def _event_gone(history: History, seed: random.Random) -> History:
    place = seed.randrange(len(history.events))
    return history._replace(events=(*history.events[:place], *history.events[place + 1 :]))


def _event_twice(history: History, seed: random.Random) -> History | None:
    """Late evidence may be told twice: an answer of the database may be lost."""
    place = seed.randrange(len(history.events))
    if history.events[place].kind == events.LATE:
        return None
    return history._replace(events=(*history.events[: place + 1], *history.events[place:]))


def _fact_changed(history: History, seed: random.Random) -> History | None:
    """One fact of one event."""
    places = [
        (place, name)
        for place, event in enumerate(history.events)
        for name in event.data or {}
        if name != "first"  # it hangs on Slack
        and event.kind not in _UNTOLD["data"]
        and (name != "delay" or event.kind == events.LOST)  # how long a retry waited that nobody waited for
    ]
    if not places:
        return None
    place, name = seed.choice(places)
    event = history.events[place]
    assert event.data is not None
    changed = event._replace(data={**event.data, name: other(seed, event.data[name])})
    return history._replace(events=_with(history.events, place, changed))


def _with(rows: tuple[Any, ...], place: int, row: Any) -> tuple[Any, ...]:
    return (*rows[:place], row, *rows[place + 1 :])


def _with_attempt(history: History, place: int, attempt: AttemptDetail) -> History:
    return history._replace(attempts=_with(history.attempts, place, attempt))


# Who submitted, withdrew, or was one of several that approved; when late evidence came; and what a wait was for that is
# over: no other row says it.
_ANSWERS = (events.APPROVED, events.REJECTED)
_UNTOLD = {
    **dict.fromkeys(("by", "actor", "door", "reason"), (events.SUBMITTED, events.WITHDRAWN, *_ANSWERS)),
    "at": (events.LATE, events.WAITS, events.CALLED_EARLY, *_ANSWERS),
    "data": (events.LATE, events.WAITS, *_ANSWERS),
}
_STEP = ("kind", "status", "version", "attempt", "next_kind", "visit", "retries", "recoveries", "due_at", "worker",
         "outlet", "held", "stale", "only", "update_status", "was", "key_salt", "sent_key", "effect_key", "repeat",
         "call", "error", "trigger", "wakes_at", "approval", "early", "cancelled_by")  # fmt: skip
_REQUEST = ("workflow_version", "status", "reason", "version", "created_at", "updated_at")
_EVENT = ("kind", "at", "node", "attempt", "by", "actor", "door", "reason")

# Everything that an audit must find.
PLANTS: dict[str, Plant] = {
    **{f"steps.{field}": _of_step(field) for field in _STEP},
    **{f"requests.{field}": _of_request(field) for field in _REQUEST},
    **{f"attempts.{field}": _of_start(field) for field in ("number", "kind", "visit", "trigger")},
    **{f"attempts.{field}": _of_end(field) for field in ("outcome", "ended_at", "error", "call", "late")},
    **{f"events.{field}": _of_event(field) for field in _EVENT},
    "an attempt's end": _end_lost,
    "an attempt's key": _key_lost,
    "a step's row": _row_gone,
    "an attempt": _attempt_gone,
    "an event": _event_gone,
    "an event twice": _event_twice,
    "a fact of an event": _fact_changed,
}
