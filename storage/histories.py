"""Requests with all that happened to them, as an audit reads them: many at once, each of one snapshot."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import ColumnElement, Connection, exists, null, select

from engine.errors import NotFound
from engine.records import Event, Step
from engine.stored import AttemptDetail, History
from storage import rows
from storage.repository import Repository
from storage.statements import ATTEMPT_COLUMNS, END_COLUMNS, EVENT_COLUMNS, REQUEST_COLUMNS, STEP_COLUMNS
from storage.tables import attempts, events, numbered, requests, steps

# Responses may be large, and say nothing of a status.
_LIGHT_END = [null().label("response") if column.name == "response" else column for column in END_COLUMNS]


class Histories(Repository):
    """What `retrigger doctor --audit` asks of the database."""

    def histories(self, after: int, limit: int) -> list[History]:
        """Of the ``limit`` requests that follow the id ``after``, by id; all of one snapshot."""
        return self._read(requests.c.id > after, limit)

    def history(self, request_id: int) -> History:
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

    def _read(self, wanted: ColumnElement[bool], limit: int) -> list[History]:
        with self._database.reading() as connection:
            page = select(*REQUEST_COLUMNS).where(wanted).order_by(requests.c.id).limit(limit)
            found = [rows.request_from(row) for row in connection.execute(page)]
            if not found:
                return []
            whole = _Rows(connection, found[0].id, found[-1].id)
        return [
            History(request, tuple(whole.steps[request.id]), tuple(whole.attempts[request.id]),
                    tuple(whole.events[request.id]))
            for request in found
        ]  # fmt: skip


class _Rows:
    """The rows of the requests from ``first`` to ``last``, by request."""

    def __init__(self, connection: Connection, first: int, last: int) -> None:
        self.steps: defaultdict[int, list[Step]] = defaultdict(list)
        self.attempts: defaultdict[int, list[AttemptDetail]] = defaultdict(list)
        self.events: defaultdict[int, list[Event]] = defaultdict(list)
        mine = steps.c.request_id.between(first, last)
        for row in connection.execute(select(*STEP_COLUMNS).where(mine).order_by(steps.c.request_id, steps.c.node)):
            self.steps[row[0]].append(rows.step_from(row))
        columns = (*ATTEMPT_COLUMNS, attempts.c.idempotency_key, *_LIGHT_END)
        key = (attempts.c.request_id, attempts.c.node, attempts.c.number)
        light = select(*columns).where(attempts.c.request_id.between(first, last)).order_by(*key)
        for row in connection.execute(light):
            self.attempts[row[0]].append(rows.attempt_detail_from(row))
        told = select(*EVENT_COLUMNS).where(events.c.request_id.between(first, last)).order_by(events.c.id)
        for row in connection.execute(told):
            self.events[row[0]].append(rows.event_from(row))
