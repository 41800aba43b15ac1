"""The relay's side of the outbox (engine.outbox.Outbox). Rows come into it with the state that they tell."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, exists, func, insert, or_, select, update

from engine.outbox import OutboxRow, Posted
from storage import rows
from storage.database import now
from storage.store import SqlStore
from storage.tables import TO_TELL, outbox, posted

_COLUMNS = (
    outbox.c.id,
    outbox.c.request_id,
    outbox.c.kind,
    outbox.c.event,
    outbox.c.actor,
    outbox.c.tries,
    outbox.c.sent_before,
    outbox.c.created_at,
)


class SqlOutbox:
    """Beside ``store``, in the same database and through the same writer."""

    def __init__(self, store: SqlStore) -> None:
        self._database, self._writer = store.database, store.writer

    def due(self, limit: int, lease: float) -> list[OutboxRow]:
        """The oldest waiting row of each request, if it is due, taken for ``lease`` seconds."""
        with self._database.reading() as connection:  # nearly always there is nothing, and then nothing is locked
            if connection.execute(_due(limit, now(connection))).first() is None:
                return []

        def run(connection: Connection, moment: float) -> list[OutboxRow]:
            locked = _due(limit, moment).with_for_update(of=outbox, skip_locked=True)
            found = connection.execute(locked).all()
            taken = update(outbox).where(outbox.c.id.in_([row.id for row in found]))
            connection.execute(taken.values(taken_until=moment + lease))
            return [_row(row) for row in found]

        return self._writer.write(run, beside=True)

    def sending(self, row_id: int) -> None:
        """Remember, durably, that a send begins."""
        self._set(row_id, sent_before=True)

    def done(self, row_id: int) -> None:
        """It was told; the next row of its request may follow."""
        self._writer.write(lambda connection, now: connection.execute(_of(row_id).values(done_at=now)), beside=True)

    def later(self, row_id: int, delay: float, error: str) -> None:
        """Try again after ``delay`` seconds. Its request's other rows, which have to wait for it, are due no sooner:
        else each look for what is due would pass over all of them."""

        def run(connection: Connection, moment: float) -> None:
            again = {"due_at": moment + delay, "taken_until": None, "tries": outbox.c.tries + 1}
            connection.execute(_of(row_id).values(**again, error=rows.clean(error)))
            request = select(outbox.c.request_id).where(outbox.c.id == row_id).scalar_subquery()
            behind = update(outbox).where(TO_TELL, outbox.c.request_id == request, outbox.c.id > row_id)
            connection.execute(behind.values(due_at=moment + delay))

        self._writer.write(run, beside=True)

    def drop(self, row_id: int, error: str) -> None:
        """Give up on a row; it is kept with its error."""

        def run(connection: Connection, moment: float) -> None:
            connection.execute(_of(row_id).values(done_at=moment, error=rows.clean(error)))

        self._writer.write(run, beside=True)

    def waiting(self) -> tuple[int, float | None]:
        """(rows not done, age in seconds of the oldest)."""
        with self._database.reading() as connection:
            number, oldest = connection.execute(
                select(func.count(), func.min(outbox.c.created_at)).where(TO_TELL)
            ).one()
            return number, None if oldest is None else max(0.0, now(connection) - oldest)

    def posted(self, request_id: int) -> dict[str, Posted]:
        """The request's messages that are kept true, by subject."""
        with self._database.reading() as connection:
            found = connection.execute(select(posted).where(posted.c.request_id == request_id))
            return {row.subject: Posted(*row) for row in found}

    def remember(self, posted_: Posted) -> None:
        """Store where a message stands and what it shows."""
        key = ("request_id", "subject", "team")

        def run(connection: Connection, moment: float) -> None:
            same = [posted.c[name] == getattr(posted_, name) for name in key]
            values = posted_._asdict()
            if not connection.execute(update(posted).where(*same).values(values)).rowcount:
                connection.execute(insert(posted).values(values))

        self._writer.write(run, beside=True)

    def _set(self, row_id: int, **values: Any) -> None:
        self._writer.write(lambda connection, now: connection.execute(_of(row_id).values(values)), beside=True)


def _of(row_id: int) -> Any:
    return update(outbox).where(outbox.c.id == row_id)


def _due(limit: int, moment: float) -> Any:
    """The first waiting row of each request, where it is due and nobody has taken it. Read in the order of their
    times, so that a long queue costs no more than a short one."""
    earlier = outbox.alias("earlier")
    is_first = ~exists().where(
        earlier.c.done_at.is_(None), earlier.c.request_id == outbox.c.request_id, earlier.c.id < outbox.c.id
    )
    free = or_(outbox.c.taken_until.is_(None), outbox.c.taken_until <= moment)
    is_due: ColumnElement[bool] = outbox.c.due_at <= moment
    due = select(*_COLUMNS).where(TO_TELL, is_due, free, is_first)
    return due.order_by(outbox.c.due_at, outbox.c.id).limit(limit)


def _row(row: Row[Any]) -> OutboxRow:
    event = rows.told_event_from(row.event)
    return OutboxRow(
        row.id, row.request_id, row.kind, event, row.actor, row.tries, bool(row.sent_before), row.created_at
    )
