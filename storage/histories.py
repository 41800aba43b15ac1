"""Requests with all that happened to them, as an audit reads them: many at once, each of one snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, exists, null, select

from engine.errors import DamagedValue, NotFound
from engine.stored import History, StoredValue, Unreadable
from storage import rows
from storage.reading import in_pieces
from storage.repository import Repository
from storage.statements import ATTEMPT_COLUMNS, END_COLUMNS, EVENT_COLUMNS, REQUEST_COLUMNS, STEP_COLUMNS
from storage.tables import attempts, events, numbered, requests, steps

# Responses may be large, and say nothing of a status.
_LIGHT_END = [null().label("response") if column.name == "response" else column for column in END_COLUMNS]


class Histories(Repository):
    """What `retrigger doctor --audit` asks of the database."""

    def histories(self, after: int, limit: int) -> list[History | Unreadable]:
        """Of the ``limit`` requests that follow the id ``after``, by id; all of one snapshot."""
        return self._read(requests.c.id > after, limit)

    def history(self, request_id: int) -> History | Unreadable:
        """Of one request. Raises NotFound."""
        found = self._read(numbered(request_id), 1)
        if not found:
            raise NotFound("request", f"REQ-{request_id}")
        return found[0]

    def strays(self, limit: int) -> list[tuple[str, int]]:
        """(table, request) of rows whose request does not exist: at most ``limit`` of each table."""
        found: list[tuple[str, int]] = []
        with self._database.reading() as connection:
            for table in (steps, attempts, events):
                mine = table.c.request_id
                lone = select(mine).distinct().where(mine.is_not(None), ~exists().where(requests.c.id == mine))
                found += [(table.name, number) for number in connection.scalars(lone.order_by(mine).limit(limit))]
        return found

    def _read(self, wanted: ColumnElement[bool], limit: int) -> list[History | Unreadable]:
        with self._database.reading() as connection:
            page = select(*REQUEST_COLUMNS).where(wanted).order_by(requests.c.id).limit(limit)
            found = connection.execute(page).all()
            if not found:
                return []
            whole = _Rows(connection, found[0].id, found[-1].id)
        return list(map(whole.history, found))


class _Rows:
    """The rows of the requests from ``first`` to ``last``, by request."""

    def __init__(self, connection: Connection, first: int, last: int) -> None:
        def read(table: Table, columns: Sequence[ColumnElement[Any]], *order: str) -> dict[int, list[rows.Row]]:
            mine = select(*columns).where(table.c.request_id.between(first, last))
            by_request = defaultdict(list)
            for row in connection.execute(mine.order_by(*(table.c[name] for name in order))):
                by_request[row.request_id].append(row)
            return by_request

        of_attempts = (*ATTEMPT_COLUMNS, attempts.c.idempotency_key, *_LIGHT_END)
        self._steps = read(steps, STEP_COLUMNS, "request_id", "node")
        self._attempts = read(attempts, of_attempts, "request_id", "node", "number")
        self._events = read(events, EVENT_COLUMNS, "id")
        self._damage = _damage(connection, first, last)

    def history(self, row: rows.Row) -> History | Unreadable:
        """That of the request with this ``row``."""
        try:
            if row.id in self._damage:
                raise self._damage[row.id]
            return History(
                rows.request_from(row),
                tuple(map(rows.step_from, self._steps[row.id])),
                tuple(map(rows.attempt_detail_from, self._attempts[row.id])),
                tuple(map(rows.event_from, self._events[row.id])),
            )
        except Exception as error:
            return Unreadable(row.id, f"{type(error).__name__}: {error}")


def _damage(connection: Connection, first: int, last: int) -> dict[int, DamagedValue]:
    """By request, an input or a result that is no JSON any more. No status hangs on them, but every door needs them."""
    given = select(requests.c.id, null(), requests.c.input).where(requests.c.id.between(first, last))
    made = select(steps.c.request_id, steps.c.node, steps.c.result).where(steps.c.result.is_not(None))
    found: dict[int, DamagedValue] = {}
    made = made.where(steps.c.request_id.between(first, last))
    by_step = in_pieces(connection, made, steps.c.request_id, steps.c.node)
    for row in chain(in_pieces(connection, given, requests.c.id), by_step):
        try:
            _ = StoredValue(*row).value
        except DamagedValue as error:
            found[row[0]] = error
    return found
