"""Rows of causes and of bulk re-triggers, read, and what is told of them put into the outbox."""

from __future__ import annotations

from sqlalchemy import Connection, insert, or_, select

from engine.causes.records import Item, ItemState, Run, RunState
from engine.errors import NotFound
from engine.limits import CAUSE_REFRESH_SECONDS
from engine.records import Event
from storage import rows
from storage.tables import TO_TELL, bulk_items, bulk_runs, events, outbox

RUN_COLUMNS = tuple(bulk_runs.c[name] for name in Run._fields)


def read_run(connection: Connection, run_id: int) -> Run:
    """Raises NotFound."""
    row = connection.execute(select(*RUN_COLUMNS).where(bulk_runs.c.id == run_id)).first()
    if row is None:
        raise NotFound("bulk re-trigger", run_id)
    return Run(*row)._replace(state=RunState(row.state), flow=bool(row.flow))


def read_items(connection: Connection, run_id: int) -> list[Item]:
    """By rising number of the request."""
    mine = select(bulk_items).where(bulk_items.c.run_id == run_id).order_by(bulk_items.c.request_id)
    return [Item(*row)._replace(state=ItemState(row.state)) for row in connection.execute(mine)]


def refresh_soon(connection: Connection, cause_id: int, moment: float, delay: float | None = None) -> None:
    """Have the cause's cards show the present state in a moment, in which more changes: one row for all of them. One
    that is being told just now may have read the state before, so it does not count."""
    free = or_(outbox.c.taken_until.is_(None), outbox.c.taken_until <= moment)
    waits = select(outbox.c.id).where(TO_TELL, outbox.c.request_id == -cause_id, outbox.c.kind == "cause", free)
    if connection.execute(waits.limit(1)).first() is None:
        _put(connection, cause_id, "cause", moment, CAUSE_REFRESH_SECONDS if delay is None else delay)


def tell_run(connection: Connection, cause_id: int, event: Event, moment: float) -> None:
    """Audit what became of a bulk re-trigger, and have it told in the threads of the cause's cards."""
    event = event._replace(at=moment)
    connection.execute(insert(events).values(dict(zip(Event._fields, rows.event_row(event), strict=True))))
    _put(connection, cause_id, "bulk", moment, 0.0, event)
    refresh_soon(connection, cause_id, moment)


def _put(
    connection: Connection, cause_id: int, kind: str, moment: float, delay: float, event: Event | None = None
) -> None:
    told = None if event is None else rows.dump(event._asdict())
    row = {"request_id": -cause_id, "kind": kind, "event": told, "created_at": moment, "due_at": moment + delay}
    connection.execute(insert(outbox).values(**row, tries=0))
