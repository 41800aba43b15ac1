"""The relay's side of the outbox (engine.ports.outbox.Outbox). Rows come into it with the state that they tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, and_, exists, func, insert, or_, select, update

from engine.errors import CannotBeRead
from engine.ports.outbox import APART, CARD, Backlog, OutboxRow, Posted, RowLost
from storage import rows
from storage.database import now
from storage.store import SqlStore
from storage.tables import GIVEN_UP, TO_TELL, outbox, posted

DAY = 86400.0  # seconds for which what was given up is told of

_UNREADABLE = 60.0  # seconds between looks at a row that cannot be read

_COLUMNS = (
    outbox.c.id,
    outbox.c.request_id,
    outbox.c.kind,
    outbox.c.event,
    outbox.c.actor,
    outbox.c.tries,
    outbox.c.sent_at,
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
            return list(_readable(connection, found, moment, moment + lease))

        return self._writer.write(run, beside=True)

    def behind(self, row: OutboxRow, limit: int) -> list[OutboxRow]:
        """The next rows of its request and kind that wait, and of which no send was begun."""
        same = (outbox.c.request_id == row.request_id, outbox.c.kind == row.kind, outbox.c.id > row.id)
        wanted = select(*_COLUMNS).where(TO_TELL, *same, outbox.c.sent_at.is_(None)).order_by(outbox.c.id).limit(limit)
        with self._database.reading() as connection:
            moment = now(connection)
            found = connection.execute(wanted.where(_begun(outbox, moment))).all()
            try:
                return [_row(other, moment, row.taken_until) for other in found]
            except CannotBeRead:
                return []  # each is told by itself, or waits, when it is due

    def sending(self, row: OutboxRow, also: Sequence[int], margin: float) -> None:
        """Remember, durably, that a send begins; what was begun before keeps its time. Raises RowLost."""

        def run(connection: Connection, moment: float) -> bool:
            begun = {"sent_at": func.coalesce(outbox.c.sent_at, moment)}
            if row.taken_until < moment + margin or not connection.execute(_ours(row).values(begun)).rowcount:
                return False
            if also:
                connection.execute(_of(also).values(begun))
            return True

        if not self._writer.write(run, beside=True):
            raise RowLost(row.id)

    def done(self, row_ids: Sequence[int]) -> None:
        """They were told; the next row of their request may follow."""
        self._writer.write(
            lambda connection, moment: connection.execute(_of(row_ids).values(done_at=moment, error=None)), beside=True
        )

    def later(
        self, row: OutboxRow, delay: float, error: str, *, unsent: Sequence[int] = (), counts: bool = True
    ) -> None:
        """Try again after ``delay`` seconds. The rows that it holds up are due no sooner: else each look for what is
        due would pass over all of them."""

        def run(connection: Connection, moment: float) -> None:
            tries = outbox.c.tries + 1 if counts else outbox.c.tries
            again = {"due_at": moment + delay, "taken_until": None, "tries": tries, "error": rows.clean(error)}
            if not connection.execute(_ours(row).values(again)).rowcount:
                return
            if unsent:
                connection.execute(_of(unsent).values(sent_at=None))
            behind = update(outbox).where(TO_TELL, outbox.c.request_id == row.request_id, outbox.c.id > row.id)
            like_it = outbox.c.kind == row.kind if row.kind in APART else outbox.c.kind.not_in(APART)
            behind = behind.where(like_it)
            if row.kind == CARD:
                behind = behind.where(or_(outbox.c.kind == CARD, ~_stands(outbox)))
            connection.execute(behind.where(_begun(outbox, moment)).values(due_at=moment + delay))

        self._writer.write(run, beside=True)

    def drop(self, row_id: int, error: str) -> None:
        """Give up on a row; it is kept with its error."""

        def run(connection: Connection, moment: float) -> None:
            connection.execute(_of([row_id]).values(done_at=moment, error=rows.clean(error)))

        self._writer.write(run, beside=True)

    def backlog(self) -> Backlog:
        """What waits, why, and what was given up."""
        with self._database.reading() as connection:
            moment = now(connection)
            number, since = connection.execute(_WAITING.where(_begun(outbox, moment))).one()
            at_once = connection.execute(_OLDEST.where(outbox.c.created_at == since))
            oldest = min(at_once, key=lambda row: row.id, default=None)  # sorted there, SQLite reads all rows
            recent = select(func.count()).where(GIVEN_UP, outbox.c.done_at > moment - DAY)
            last = select(outbox.c.error).where(GIVEN_UP, outbox.c.done_at > moment - DAY)
            found = Backlog(
                number,
                given_up=connection.scalar(recent) or 0,
                last_given_up=connection.scalar(last.order_by(outbox.c.done_at.desc()).limit(1)),
            )
            if oldest is None:
                return found
            age = moment - oldest.created_at
            return found._replace(age=age, request_id=oldest.request_id, error=oldest.error)

    def waiting(self) -> tuple[int, float | None]:
        """(rows not done, age in seconds of the oldest)."""
        with self._database.reading() as connection:
            moment = now(connection)
            number, oldest = connection.execute(_WAITING.where(_begun(outbox, moment))).one()
            return number, None if oldest is None else moment - oldest

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


_WAITING = select(func.count(), func.min(outbox.c.created_at)).where(TO_TELL)
_OLDEST = select(outbox.c.id, outbox.c.request_id, outbox.c.error, outbox.c.created_at).where(TO_TELL)


def _of(row_ids: Sequence[int]) -> Any:
    return update(outbox).where(outbox.c.id.in_(row_ids))


def _ours(row: OutboxRow) -> Any:
    """The row, unless somebody has taken it after us."""
    return update(outbox).where(outbox.c.id == row.id, outbox.c.taken_until == row.taken_until)


def _stands(rows_: Any) -> Any:
    """Whether the card of the row's request stands in Slack."""
    return exists().where(posted.c.request_id == rows_.c.request_id, posted.c.subject == CARD)


def _begun(rows_: Any, moment: float) -> Any:
    """A row may be written for a later time: until then it is not there, and holds nobody up."""
    return rows_.c.created_at <= moment


def _due(limit: int, moment: float) -> Any:
    """The first waiting row of each request, for its channel and of each kind that goes to people, and what only waits
    behind an update of its card, where it is due and nobody has taken it. Read in the order of their times, so that a
    long queue costs no more than a short one."""
    earlier = outbox.alias("earlier")
    holds = or_(earlier.c.kind != CARD, outbox.c.kind == CARD, ~_stands(earlier))
    in_channel = and_(earlier.c.kind.not_in(APART), outbox.c.kind.not_in(APART))
    holds = and_(or_(earlier.c.kind == outbox.c.kind, in_channel), holds)
    of_it = (earlier.c.done_at.is_(None), earlier.c.request_id == outbox.c.request_id, _begun(earlier, moment), holds)
    is_first = outbox.c.id == select(func.min(earlier.c.id)).where(*of_it).scalar_subquery()
    free = or_(outbox.c.taken_until.is_(None), outbox.c.taken_until <= moment)
    due = select(*_COLUMNS).where(TO_TELL, outbox.c.due_at <= moment, free, is_first)
    return due.order_by(outbox.c.due_at, outbox.c.id).limit(limit)


def _readable(connection: Connection, found: Iterable[Any], moment: float, taken_until: float) -> Iterator[OutboxRow]:
    """One that cannot be read waits: a newer bot beside this one may tell it. Rows of other requests do not wait."""
    for row in found:
        try:
            yield _row(row, moment, taken_until)
        except CannotBeRead as error:
            later = {"due_at": moment + _UNREADABLE, "taken_until": None, "error": str(error)}
            connection.execute(_of([row.id]).values(later))


def _row(row: Any, moment: float, taken_until: float) -> OutboxRow:
    event = rows.told_event_from(row.event)
    age = max(0.0, moment - row.created_at)
    begun = (row.tries, row.sent_at, age, row.created_at)
    return OutboxRow(row.id, row.request_id, row.kind, event, row.actor, *begun, taken_until)
