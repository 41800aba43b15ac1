"""Requests as they are read: for templates, for the doors, for lists."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, literal, null, select, tuple_

from engine.errors import NotFound
from engine.records import Event, Request, Step
from engine.states import RequestStatus
from engine.stored import (
    AttemptDetail,
    BlockedFilter,
    RequestDetail,
    RequestFilter,
    RequestRow,
    StepDetail,
    StoredValue,
    TemplateValues,
)
from engine.values.stored_json import stored_json
from storage import rows
from storage.database import now
from storage.inputs import Inputs, Submitted
from storage.pages import blocked_page, page
from storage.repository import Repository
from storage.statements import ATTEMPT_COLUMNS, END_COLUMNS, EVENT_COLUMNS, REQUEST_COLUMNS, STEP_COLUMNS
from storage.tables import attempts, events, is_one_of, numbered, requests, steps
from storage.tallies import requests_by_status

_AT_ONCE = 50  # inputs and results in memory, of up to a megabyte each


def in_pieces(connection: Connection, query: Select[Any], *key: ColumnElement[Any]) -> Iterator[rows.Row]:
    """The rows of ``query``, which begin with their ``key``, few of them in memory at a time. Not by a cursor of the
    server's: who loses the connection could not close it."""
    pieces = query.order_by(*key).limit(_AT_ONCE)
    found = connection.execute(pieces).all()
    yield from found
    while len(found) == _AT_ONCE:
        last = tuple_(*map(literal, found[-1][: len(key)]))
        found = connection.execute(pieces.where(tuple_(*key) > last)).all()
        yield from found


class Reading(Repository):
    """The reading half of the store, as far as it concerns requests."""

    _inputs: Inputs

    def contents(self, nodes: Mapping[int, Collection[str]]) -> Iterator[StoredValue]:
        """See the port."""
        given = select(requests.c.id, null(), requests.c.input).where(requests.c.id.in_(nodes))
        these, wanted = steps.c.request_id.in_(nodes), steps.c.node.in_(set().union(*nodes.values()))
        made = select(steps.c.request_id, steps.c.node, steps.c.result).where(
            these, wanted, steps.c.result.is_not(None)
        )
        with self._database.reading() as connection:
            by_step = in_pieces(connection, made, steps.c.request_id, steps.c.node)
            for row in chain(in_pieces(connection, given, requests.c.id), by_step):
                if row[1] is None or row[1] in nodes[row[0]]:
                    yield StoredValue(*row)

    def template_values(self, request_id: int, nodes: Iterable[str]) -> TemplateValues:
        """What templates may name, with the results and errors of ``nodes``. Raises NotFound."""
        submitted, wanted = self._inputs.get(request_id), list(nodes)
        stored: Sequence[Sequence[Any]] = ()
        if submitted is None or wanted:
            statements = self._database.statements
            with self._database.asking() as connection:  # what was submitted does not change
                submitted = submitted or self._submitted(connection, request_id)
                if wanted:
                    stored = statements.results.run(connection, id=request_id, nodes=statements.listed(wanted))
        return TemplateValues(
            stored_json(submitted.input, f"the input of REQ-{request_id}"),
            submitted.requester,
            {
                node: stored_json(result, f"the result of {node} of REQ-{request_id}")
                for node, result, *_ in stored
                if result is not None
            },
            {node: error for node, _, error, *_ in stored if error is not None},
            {node: issue for node, _, _, issue in stored},
        )

    def _submitted(self, connection: Connection, request_id: int) -> Submitted:
        found = self._database.statements.input.run(connection, id=request_id)
        if not found:
            raise _no_request(request_id)
        submitted = Submitted(*found[0])
        self._inputs.put(request_id, submitted)
        return submitted

    def status(self, request_id: int) -> tuple[Request, tuple[Step, ...]]:
        """The light rows of one request. Raises NotFound."""
        with self._database.reading() as connection:
            found = connection.execute(select(*REQUEST_COLUMNS).where(numbered(request_id))).first()
            if found is None:
                raise _no_request(request_id)
            light = select(*STEP_COLUMNS).where(steps.c.request_id == request_id).order_by(steps.c.node)
            return rows.request_from(found), tuple(map(rows.step_from, connection.execute(light)))

    def detail(self, request_id: int) -> RequestDetail:
        """Everything stored of one request. Raises NotFound."""
        with self._database.reading() as connection:
            whole = select(*REQUEST_COLUMNS, requests.c.title, requests.c.input).where(numbered(request_id))
            found = connection.execute(whole).first()
            if found is None:
                raise _no_request(request_id)
            *request, title, text = found
            return RequestDetail(
                rows.request_from(request),
                title,
                text,
                _steps(connection, request_id),
                _attempts(connection, request_id),
                tuple(map(rows.event_from, connection.execute(_events(request_id)))),
                now(connection),
            )

    def submitted(self, workflow: str, key: str) -> int | None:
        """The request of this workflow that this submit key made."""
        mine = (requests.c.workflow == workflow, requests.c.submit_key == rows.clean(key))
        with self._database.reading() as connection:
            return connection.scalar(select(requests.c.id).where(*mine))

    def command(self, command_id: str) -> Event | None:
        """The event that the command with this id left."""
        one = select(*EVENT_COLUMNS).where(events.c.command_id == rows.clean(command_id))
        with self._database.reading() as connection:
            found = connection.execute(one).first()
        return None if found is None else rows.event_from(found)

    def requests(self, filter: RequestFilter) -> list[RequestRow]:
        """A page of requests, with their blocked steps."""
        known: list[rows.Row] = []
        with self._database.reading() as connection:
            while True:
                found = page(connection, filter)
                known += _known(found)
                if len(found) < filter.limit or len(known) >= filter.limit:
                    return _with_blocked(connection, known[: filter.limit])
                filter = filter._replace(after=found[-1].id)  # some were left out

    def blocked(self, filter: BlockedFilter) -> list[RequestRow]:
        """A page of Blocked requests, with their blocked steps."""
        with self._database.reading() as connection:
            return _with_blocked(connection, _known(blocked_page(connection, filter)))

    def apps(self) -> list[str]:
        """The applications that have, or had, requests, by name."""
        with self._database.reading() as connection:
            return sorted({app for app, _ in requests_by_status(connection)})

    def counts(self, apps: frozenset[str] | None = None) -> Mapping[RequestStatus, int]:
        """How many requests of ``apps`` (None: of all) are in each status that this version knows."""
        with self._database.reading() as connection:
            found = requests_by_status(connection)
        totals = dict.fromkeys(RequestStatus, 0)
        for (app, status), number in found.items():
            if status in rows.REQUEST_STATUS and (apps is None or app in apps):
                totals[rows.REQUEST_STATUS[status]] += number
        return totals


def _no_request(request_id: int) -> NotFound:
    return NotFound("request", f"REQ-{request_id}")


def _steps(connection: Connection, request_id: int) -> tuple[StepDetail, ...]:
    heavy = select(*STEP_COLUMNS, steps.c.result).where(steps.c.request_id == request_id).order_by(steps.c.node)
    return tuple(StepDetail(rows.step_from(row[:-1]), row.result) for row in connection.execute(heavy))


def _attempts(connection: Connection, request_id: int) -> tuple[AttemptDetail, ...]:
    columns = (*ATTEMPT_COLUMNS, attempts.c.idempotency_key, *END_COLUMNS)
    found = connection.execute(select(*columns).where(attempts.c.request_id == request_id))
    return tuple(sorted(map(rows.attempt_detail_from, found), key=_happened))


def _happened(detail: AttemptDetail) -> tuple[float, float, str, int]:
    """Of attempts that began in one transaction, the one that ended first was first."""
    start, end = detail.start, detail.end
    return (start.started_at, end.ended_at if end else float("inf"), start.node, start.number)


def _events(request_id: int) -> Select[*tuple[Any, ...]]:
    return select(*EVENT_COLUMNS).where(events.c.request_id == request_id).order_by(events.c.id)


def _known(found: Iterable[rows.Row]) -> list[rows.Row]:
    """Those whose status this version knows, as they are counted: a newer one may run beside it during an upgrade."""
    return [row for row in found if row.status in rows.REQUEST_STATUS]


def _with_blocked(connection: Connection, found: Iterable[rows.Row]) -> list[RequestRow]:
    listed = [(rows.request_from(row), row.title) for row in found]
    blocked = _blocked(connection, [request.id for request, _ in listed])
    return [RequestRow(request, title, tuple(blocked[request.id])) for request, title in listed]


def _blocked(connection: Connection, ids: Sequence[int]) -> dict[int, list[tuple[str, str | None]]]:
    blocked: dict[int, list[tuple[str, str | None]]] = {request_id: [] for request_id in ids}
    query = select(steps.c.request_id, steps.c.node, steps.c.error).order_by(steps.c.node)
    counted = is_one_of(steps.c.status, "blocked") & ~steps.c.stale
    wanted = query.where(steps.c.request_id.in_(ids), counted)
    for request_id, node, error in connection.execute(wanted) if ids else ():
        blocked[request_id].append((node, error))
    return blocked
