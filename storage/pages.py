"""A page of requests, as a range of an index, so that it costs the same on any page of any number of requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, select, tuple_

from engine.stored import BlockedFilter, RequestFilter
from storage import rows
from storage.database import now
from storage.statements import REQUEST_COLUMNS
from storage.tables import HIGHEST_ID, IS_BLOCKED, requests

_MANY = 100  # applications; so many pages cost more than what they save
_LAST = 2.0**53  # seconds; no time comes after it

Equal = Sequence[tuple[Column[Any], str]]


class _Part(NamedTuple):
    """What of an index is read: ``order`` are the columns behind those that must be equal; the page lies between
    ``low`` and ``high``, neither of them included, and begins at ``low`` when ``rising``. ``only``: the condition of a
    partial index."""

    order: tuple[Column[Any], ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    rising: bool
    limit: int
    only: tuple[ColumnElement[bool], ...] = ()


def page(connection: Connection, filter: RequestFilter) -> list[Row[Any]]:
    """Rows of requests with their titles, by number."""
    low, high = 0, HIGHEST_ID
    if filter.after is not None:
        after = max(0, min(filter.after, HIGHEST_ID))
        low, high = (after, high) if filter.oldest_first else (low, after)
    status = [] if filter.status is None else [(requests.c.status, filter.status.value)]
    part = _Part((requests.c.id,), (low,), (high,), filter.oldest_first, _whole(filter.limit))
    return _page(connection, part, filter.apps, status)


def blocked_page(connection: Connection, filter: BlockedFilter) -> list[Row[Any]]:
    """Rows of Blocked requests with their titles, those that are so longest first."""
    low, high = (0.0, 0), (now(connection) - filter.longer_than if filter.longer_than else _LAST, HIGHEST_ID)
    backwards = filter.cursor is not None and filter.cursor.backwards
    if filter.cursor is not None:
        key = (filter.cursor.at, filter.cursor.id)
        low, high = (low, min(high, key)) if backwards else (key, high)
    order = (requests.c.blocked_at, requests.c.id)
    part = _Part(order, low, high, not backwards, _whole(filter.limit), (IS_BLOCKED,))
    found = _page(connection, part, filter.apps, [])
    return found[::-1] if backwards else found


def _whole(limit: int) -> int:
    return max(0, min(limit, HIGHEST_ID))


def _page(connection: Connection, part: _Part, apps: Iterable[str] | None, status: Equal) -> list[Row[Any]]:
    """Of several applications, a page of each is read, and of these the page made: asked for any of them at once, both
    databases read far more."""
    if apps is None:
        return list(connection.execute(_range(connection, part, status)))
    wanted = {rows.clean(app) or "" for app in apps}
    if len(wanted) > _MANY:
        return list(connection.execute(_range(connection, part, status).where(requests.c.app.in_(sorted(wanted)))))
    each = (_range(connection, part, [(requests.c.app, app), *status]) for app in wanted)
    found = [row for one in each for row in connection.execute(one)]
    key = [column.name for column in part.order]
    in_order = sorted(found, key=lambda row: [row._mapping[name] for name in key], reverse=not part.rising)
    return in_order[: part.limit]


def _range(connection: Connection, part: _Part, equal: Equal) -> Select[*tuple[Any, ...]]:
    inside = _inside if connection.dialect.name == "sqlite" or part.only else _between
    found = select(*REQUEST_COLUMNS, requests.c.title).where(*inside(equal, part), *part.only)
    columns = [*(column for column, _ in equal), *part.order]
    order = [column.asc() if part.rising else column.desc() for column in columns]
    return found.order_by(*order).limit(part.limit)


def _inside(equal: Equal, part: _Part) -> list[ColumnElement[bool]]:
    key = part.order[0] if len(part.order) == 1 else tuple_(*part.order)
    low, high = ((end[0] if len(end) == 1 else tuple_(*end)) for end in (part.low, part.high))
    return [*(column == value for column, value in equal), key > low, key < high]


def _between(equal: Equal, part: _Part) -> list[ColumnElement[bool]]:
    """Compared as rows: told what is equal, PostgreSQL may walk through the ids of all requests instead, in the hope
    that soon enough of them are of the application. In a partial index there are none but those of interest, and there
    it would rather sort, told this way. SQLite would not look up the id so."""
    key = tuple_(*(column for column, _ in equal), *part.order)
    values = [value for _, value in equal]
    return [key > tuple_(*values, *part.low), key < tuple_(*values, *part.high)]
