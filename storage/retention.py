"""How what ended long ago is removed (engine.ports.retention.Retention): through the writer, in small parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, exists, select, update

from engine.ports.retention import PRUNABLE, Masked, Old, OldPage
from engine.records import Event
from engine.states import MOVING
from engine.stored import RequestDetail
from engine.texts import REMOVED
from storage import rows
from storage.database import now
from storage.store import SqlStore
from storage.tables import TO_TELL, attempts, blocks, events, is_one_of, outbox, posted, requests, steps, workers

PAGE = 500  # requests, or messages, that are looked at at once
_NOTHING = "null"  # JSON, in the place of what was there
_REMOVED = rows.dump(REMOVED)
_PRUNABLE = is_one_of(requests.c.status, *sorted(PRUNABLE))
_MOVES = exists().where(steps.c.request_id == requests.c.id, is_one_of(steps.c.status, *sorted(MOVING)))
_UNTOLD = exists().where(outbox.c.request_id == requests.c.id, TO_TELL)


class SqlRetention:
    """Beside ``store``, in the same database and through the same writer."""

    def __init__(self, store: SqlStore) -> None:
        self._database, self._writer = store.database, store.writer

    def now(self) -> float:
        """The database's clock."""
        with self._database.reading() as connection:
            return now(connection)

    def old(self, before: float, after: int, app: str | None) -> OldPage:
        """By id, and so from the oldest on: a page in which all were begun after that is the last."""
        facts = (requests.c.id, requests.c.workflow, requests.c.workflow_version, requests.c.app)
        is_old = _is_old(before) if app is None else _is_old(before) & (requests.c.app == app)
        query = select(*facts, is_old.label("is_old"), requests.c.created_at).where(requests.c.id > after)
        with self._database.reading() as connection:
            found = connection.execute(query.order_by(requests.c.id).limit(PAGE)).all()
        is_end = len(found) < PAGE or all(row.created_at >= before for row in found)
        return OldPage(tuple(Old(*row[:4]) for row in found if row.is_old), found[-1].id if found else after, is_end)

    def remove(self, before: float, ids: Sequence[int], masked: Sequence[Masked], pruned: Event) -> list[int]:
        """See the port. The rows are locked first, in the order in which everybody locks them."""
        mine = select(requests.c.id).where(requests.c.id.in_(ids), _is_old(before), ~_MOVES, ~_UNTOLD)

        def run(connection: Connection, now: float) -> list[int]:
            gone = list(connection.scalars(mine.order_by(requests.c.id).with_for_update()))
            if gone:
                for one in masked:
                    if one.stored.request.id in gone:
                        _write_masked(connection, one)
                _empty(connection, gone, now)
                data = {**(pruned.data or {}), "requests": len(gone), "first": gone[0], "last": gone[-1]}
                told = rows.event_row(pruned._replace(at=now, data=data))
                self._database.statements.insert_events.run(connection, [told])
            return gone

        return self._writer.write(run)

    def forget_told(self, before: float, after: int) -> tuple[int, int | None]:
        """By id, and so from the oldest on."""
        query = select(outbox.c.id, outbox.c.created_at, outbox.c.done_at).where(outbox.c.id > after)

        def run(connection: Connection, now: float) -> tuple[int, int | None]:
            found = connection.execute(query.order_by(outbox.c.id).limit(PAGE)).all()
            told = [row.id for row in found if row.done_at is not None and row.done_at < before]
            if told:
                connection.execute(delete(outbox).where(outbox.c.id.in_(told)))
            is_end = len(found) < PAGE or all(row.created_at >= before for row in found)
            return len(told), None if is_end else found[-1].id

        return self._writer.write(run, beside=True)

    def forget_workers(self, before: float) -> int:
        """See the port."""
        gone = delete(workers).where(workers.c.present_until < before)

        def run(connection: Connection, now: float) -> int:
            return connection.execute(gone).rowcount

        return self._writer.write(run, beside=True)


def _is_old(before: float) -> ColumnElement[bool]:
    return _PRUNABLE & (requests.c.updated_at < before) & requests.c.pruned_at.is_(None)


def _empty(connection: Connection, gone: list[int], now: float) -> None:
    """Who, when, why and what came of it stay; what was worked with goes."""
    emptied = {"title": REMOVED, "input": _NOTHING, "pruned_at": now}
    connection.execute(update(requests).where(requests.c.id.in_(gone)).values(emptied))
    connection.execute(
        update(steps).where(steps.c.request_id.in_(gone), steps.c.result.is_not(None)).values(result=None)
    )
    mine = attempts.c.request_id.in_(gone)
    connection.execute(update(attempts).where(mine, attempts.c.response.is_not(None)).values(response=None))
    connection.execute(update(attempts).where(mine, attempts.c.late.is_not(None)).values(late=_REMOVED))
    for table in (posted, blocks):
        connection.execute(delete(table).where(table.c.request_id.in_(gone)))


def _write_masked(connection: Connection, one: Masked) -> None:
    """The texts that stay, where masking changed them."""
    request_id = one.stored.request.id
    told = connection.scalars(select(events.c.id).where(events.c.request_id == request_id).order_by(events.c.id)).all()
    for table, stored, shown in (
        (requests, _requests(one.stored), _requests(one.shown)),
        (steps, _steps(one.stored), _steps(one.shown)),
        (attempts, _attempts(one.stored), _attempts(one.shown)),
        (events, _events(one.stored, told), _events(one.shown, told)),
    ):
        _write(connection, table, stored, shown)


_Rows = Iterable[tuple[dict[str, Any], dict[str, Any]]]  # the key of each, and its texts


def _write(connection: Connection, table: Table, stored: _Rows, shown: _Rows) -> None:
    for (key, before), (_, after) in zip(stored, shown, strict=True):
        if after != before:
            this = [table.c[name] == value for name, value in key.items()]
            connection.execute(update(table).where(*this).values(after))


def _requests(detail: RequestDetail) -> _Rows:
    yield {"id": detail.request.id}, {"reason": detail.request.reason, "requester": detail.request.requester}


def _steps(detail: RequestDetail) -> _Rows:
    for step, _ in detail.steps:
        texts = {
            "error": step.error,
            "trigger": rows.trigger_text(step.trigger),
            "approval": rows.approval_text(step.approval),
        }
        yield {"request_id": step.request_id, "node": step.node}, texts


def _attempts(detail: RequestDetail) -> _Rows:
    for start, _, end in detail.attempts:
        texts = {"trigger": rows.trigger_text(start.trigger), "error": None if end is None else end.error}
        yield {"request_id": start.request_id, "node": start.node, "number": start.number}, texts


def _events(detail: RequestDetail, ids: Sequence[int]) -> _Rows:
    for event_id, event in zip(ids, detail.events, strict=False):  # one that came since is not of this reading
        yield {"id": event_id}, {"reason": event.reason, "data": None if event.data is None else rows.dump(event.data)}
