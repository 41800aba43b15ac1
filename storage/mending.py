"""Steps that are to move, and have lost what moves them: a hand has emptied a column. Nothing else finds them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, and_, exists, func, or_, select, update

from engine import events as names
from engine.errors import DamagedValue
from engine.graph import ANSWERED_KINDS
from engine.logs import logger
from engine.states import RequestStatus, StepStatus
from engine.values.stored_json import made_of
from storage.leases import NOBODY, by_pages
from storage.repository import Repository
from storage.rows import Row
from storage.tables import RUNNING, events, is_one_of, steps

log = logger(__name__)

_block = steps.alias()
_is_inside = exists().where(  # of a sync block that runs: its steps have no worker of their own
    steps.c.kind != "sync",
    _block.c.request_id == steps.c.request_id,
    _block.c.kind == "sync",
    is_one_of(_block.c.status, StepStatus.RUNNING),
)
_no_worker, _no_lease = steps.c.worker.is_(None), steps.c.lease_until.is_(None)
_HELD_BY_NOBODY = and_(RUNNING, or_(_no_worker, _no_lease), or_(~_no_worker, ~_no_lease, ~_is_inside))
_waits = is_one_of(steps.c.status, StepStatus.WAITING) & steps.c.wakes_at.is_(None)
_HAS_NO_TIME = and_(
    steps.c.due_at.is_(None),
    # What waits for an answer or a call may do so for ever.
    or_(is_one_of(steps.c.status, StepStatus.READY), _waits & steps.c.kind.not_in(sorted(ANSWERED_KINDS))),
)
_LOST = or_(_HELD_BY_NOBODY, _HAS_NO_TIME)


class Mending(Repository):
    """The part of the store that sets such steps right."""

    def mend(self) -> int:
        """See the port."""
        key = select(steps.c.request_id, steps.c.node, steps.c.kind, steps.c.status, steps.c.attempt)
        with self._database.reading() as connection:
            found = [
                step
                for status in (RequestStatus.IN_PROGRESS, RequestStatus.BLOCKED)
                for page in by_pages(connection, status)
                for step in connection.execute(key.where(steps.c.request_id.in_(page), _LOST))
            ]

        def run(connection: Connection, moment: float) -> int:
            return sum(_mended(connection, step, moment) for step in found)

        return self._writer.write(run) if found else 0


def _mended(connection: Connection, step: Row, moment: float) -> bool:
    """No new version: no rule reads what is changed, and whoever has moved the step meanwhile was right."""
    mine = (steps.c.request_id == step.request_id, steps.c.node == step.node, steps.c.attempt == step.attempt)
    values = _values(connection, step, moment)
    if not connection.execute(update(steps).where(*mine, _LOST).values(values)).rowcount:
        return False
    says = "A hand has emptied what moves the step: it is set right, and goes on."
    log.warning("step.mended", says=says, request=f"REQ-{step.request_id}", step=step.node, column=", ".join(values))
    return True


def _values(connection: Connection, step: Row, moment: float) -> dict[str, Any]:
    """What runs is lost, as after the death of its worker; a delay is over when its history says so; else it is due."""
    if step.status == StepStatus.RUNNING:
        return {"worker": func.coalesce(steps.c.worker, NOBODY), "lease_until": func.coalesce(steps.c.lease_until, 0.0)}
    until = _until(connection, step) if step.kind == "delay" and step.status == StepStatus.WAITING else None
    return {"due_at": moment} if until is None else {"wakes_at": until}


def _until(connection: Connection, step: Row) -> float | None:
    """When the wait is over that this attempt has begun; None where it has begun none. Without it the step runs again,
    and waits from the beginning."""
    mine = (events.c.request_id == step.request_id, events.c.node == step.node, events.c.attempt == step.attempt)
    told = connection.scalar(select(events.c.data).where(*mine, events.c.kind == names.WAITS))
    with suppress(DamagedValue):
        return None if told is None else made_of(told, "an event", lambda data: float(data["until"]))
    return None
