"""Records to rows and back. The writer does this for every step of every transaction, so it is plain and quick."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

from engine.errors import UnreadableRow
from engine.records import Approval, Attempt, AttemptEnd, Blocked, Event, Notice, Request, Step, Trigger
from engine.states import AttemptKind, AttemptOutcome, CallEffect, RequestStatus, StepStatus
from engine.stored import AttemptDetail
from engine.values.storable import storable
from engine.values.stored_json import made_of

Row: TypeAlias = Any  # a row of the driver or of SQLAlchemy: a sequence of values

W = TypeVar("W", bound=StrEnum | None)


def _text(value: StrEnum | None) -> str | None:
    return None if value is None else value._value_  # without the property, which takes ten times as long


class _Known(dict[str | None, W]):
    """The words of one kind by their values: a lookup is several times quicker than calling the enum."""

    def __init__(self, words: Iterable[W]) -> None:
        super().__init__({_text(word): word for word in words})

    def __missing__(self, value: str | None) -> W:
        raise UnreadableRow(value)


REQUEST_STATUS = _Known(RequestStatus)
_STEP_STATUS = _Known(StepStatus)
_WAS = _Known((None, *StepStatus))
_ATTEMPT_KIND = _Known(AttemptKind)
_ATTEMPT_OUTCOME = _Known(AttemptOutcome)
_CALL = _Known((None, *CallEffect))


def clean(text: str | None) -> str | None:
    """``text`` as both databases can hold it; nearly always it is that already."""
    return text if text is None or (text.isascii() and "\0" not in text) else storable(text)


_ENCODE = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode  # json.dumps would make one for each value


def dump(value: Any) -> str:
    """Compact JSON, ASCII only. Raises ValueError on NaN and infinities."""
    return _ENCODE(value)


def request_row(request: Request) -> tuple[Any, ...]:
    """The light columns of a request."""
    return (
        request.id,
        request.workflow,
        request.workflow_version,
        request.app,
        request.status._value_,
        clean(request.reason),
        clean(request.requester),
        request.alerted,
        request.version,
        request.created_at,
        request.updated_at,
        request.blocked_at,
        request.pruned_at,
    )


def request_from(row: Row) -> Request:
    """The other way round."""
    workflow, version, app, status = row[1:5]
    return Request(row[0], workflow, version, app, REQUEST_STATUS[status], row[5], row[6], bool(row[7]), *row[8:13])


def step_row(step: Step) -> tuple[Any, ...]:
    """The light columns of a step."""
    row: list[Any] = list(step)
    for place, convert in _CONVERT.items():
        if row[place] is not None:
            row[place] = convert(row[place])
    return tuple(row)


def step_values(step: Step, places: Iterable[int]) -> tuple[Any, ...]:
    """Some of its columns, by the places of the fields."""
    return tuple([_CONVERT[place](step[place]) if place in _CONVERT else step[place] for place in places])


def step_from(row: Row) -> Step:
    """The other way round."""
    (
        request_id, node, kind, status, version, attempt, next_kind, visit, retries, recoveries,
        due_at, worker, lease_until, outlet, held, stale, only, update_status,
        was, key_salt, sent_key, effect_key, repeat, call, error, trigger, wakes_at, approval, early, cancelled_by,
    ) = row  # fmt: skip
    return Step(
        request_id, node, kind, _STEP_STATUS[status], version, attempt, _ATTEMPT_KIND[next_kind], visit, retries,
        recoveries, due_at, worker, lease_until, outlet, bool(held), bool(stale), bool(only), bool(update_status),
        _WAS[was], key_salt, sent_key, effect_key, repeat, _CALL[call], error,
        _trigger_from(trigger), wakes_at, _approval_from(approval), bool(early), cancelled_by,
    )  # fmt: skip


def attempt_row(attempt: Attempt) -> tuple[Any, ...]:
    """The columns of an attempt that starts."""
    return (*attempt[:3], attempt.kind._value_, *attempt[4:8], trigger_text(attempt.trigger))


def attempt_from(row: Row) -> Attempt:
    """The other way round."""
    return Attempt._make((*row[:3], _ATTEMPT_KIND[row[3]], *row[4:8], _trigger_from(row[8])))


def end_row(end: AttemptEnd) -> tuple[Any, ...]:
    """The columns of the end, then the key of the attempt."""
    return (end.outcome._value_, end.ended_at, clean(end.error), _text(end.call), clean(end.response), *end[:3])


def late_row(end: AttemptEnd) -> tuple[Any, ...]:
    """The late evidence, then the key of the attempt."""
    return (clean(end.late), *end[:3])


def end_from(key: Row, row: Row) -> AttemptEnd | None:
    """``row``: outcome, ended_at, error, call, response, late. None while the attempt runs."""
    if row[0] is None:
        return None
    return AttemptEnd._make((*key, _ATTEMPT_OUTCOME[row[0]], row[1], row[2], _CALL[row[3]], row[4], row[5]))


def attempt_detail_from(row: Row) -> AttemptDetail:
    """A whole attempt: the columns of its start, its key, then those of its end."""
    return AttemptDetail(attempt_from(row[:9]), row[9], end_from(row[:3], row[10:]))


def event_row(event: Event) -> tuple[Any, ...]:
    """The columns of an event."""
    data = None if event.data is None else dump(event.data)
    by, actor, door, reason = map(clean, event[5:9])
    return (*event[:5], by, actor, door, reason, data, clean(event.command_id))


def event_from(row: Row) -> Event:
    """The other way round."""
    data = None if row[9] is None else made_of(row[9], "an event", dict)
    return Event._make((*row[:9], data, row[10]))


def notice_row(notice: Notice, now: float) -> tuple[Any, ...]:
    """A new row of the outbox, to be told from ``now`` on."""
    event = None if notice.event is None else dump(notice.event._asdict())
    return (notice.request_id, notice.kind, event, clean(notice.actor), now, now, 0)


def block_rows(blocked: Iterable[Blocked]) -> list[tuple[Any, ...]]:
    """The columns of what blocks steps; of a step that one cause blocked twice, the later time."""
    return list({found[:3]: tuple(found) for found in blocked}.values())


def told_event_from(text: str | None) -> Event | None:
    """The event that an outbox row carries."""
    return None if text is None else made_of(text, "what is to be told", lambda fields: Event(**fields))


def trigger_text(trigger: Trigger | None) -> str | None:
    """An act as a step and its attempts keep it."""
    return None if trigger is None else dump(trigger._asdict())


def _trigger_from(text: str | None) -> Trigger | None:
    return None if text is None else made_of(text, "an act on a step", lambda fields: Trigger(**fields))


def approval_text(approval: Approval | None) -> str | None:
    """What a waiting approval waits for, as its step keeps it."""
    return None if approval is None else dump(approval)


def _approval_from(text: str | None) -> Approval | None:
    return None if text is None else made_of(text, "an approval", _approval_of)


def _approval_of(fields: Any) -> Approval:
    approvers, need, approved = fields
    return Approval(tuple(approvers), need, tuple(approved))


_CONVERT: dict[int, Callable[[Any], Any]] = {
    Step._fields.index("status"): _text,
    Step._fields.index("next_kind"): _text,
    Step._fields.index("was"): _text,
    Step._fields.index("call"): _text,
    Step._fields.index("error"): clean,
    Step._fields.index("trigger"): trigger_text,
    Step._fields.index("approval"): approval_text,
}
