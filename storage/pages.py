"""A page of requests, as a range of the index over application, status and id, so that it costs the same on any page of
any number of requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, select, tuple_

from engine.store import RequestFilter
from storage import rows
from storage.statements import REQUEST_COLUMNS
from storage.tables import HIGHEST_ID, requests

_MANY = 100  # applications; so many pages cost more than what they save

Equal = Sequence[tuple[Column[Any], str]]


def page(connection: Connection, filter: RequestFilter) -> list[Row[Any]]:
    """Rows of requests with their titles. Of several applications, a page of each is read, and of these the page made:
    asked for any of them at once, both databases read far more."""
    filter = filter._replace(limit=max(0, min(filter.limit, HIGHEST_ID)))
    status = [] if filter.status is None else [(requests.c.status, filter.status.value)]
    if filter.apps is None:
        return list(connection.execute(_range(connection, filter, status)))
    if len(filter.apps) > _MANY:
        some = _range(connection, filter, status).where(requests.c.app.in_([rows.clean(app) for app in filter.apps]))
        return list(connection.execute(some))
    apps = {rows.clean(app) or "" for app in filter.apps}
    each = (_range(connection, filter, [(requests.c.app, app), *status]) for app in apps)
    found = [row for one in each for row in connection.execute(one)]
    return sorted(found, key=lambda row: row.id, reverse=not filter.oldest_first)[: filter.limit]


def _range(connection: Connection, filter: RequestFilter, equal: Equal) -> Select[*tuple[Any, ...]]:
    low, high = 0, HIGHEST_ID
    if filter.after is not None:
        after = max(0, min(filter.after, HIGHEST_ID))
        low, high = (after, high) if filter.oldest_first else (low, after)
    inside = _inside if connection.dialect.name == "sqlite" else _between
    columns = [*(column for column, _ in equal), requests.c.id]
    found = select(*REQUEST_COLUMNS, requests.c.title).where(*inside(equal, low, high))
    order = [column.asc() if filter.oldest_first else column.desc() for column in columns]
    return found.order_by(*order).limit(filter.limit)


def _inside(equal: Equal, low: int, high: int) -> list[ColumnElement[bool]]:
    return [*(column == value for column, value in equal), requests.c.id > low, requests.c.id < high]


def _between(equal: Equal, low: int, high: int) -> list[ColumnElement[bool]]:
    """Compared as rows: told what is equal, PostgreSQL may walk through the ids of all requests instead, in the hope
    that soon enough of them are of the application. SQLite would not look up the id so."""
    key = tuple_(*(column for column, _ in equal), requests.c.id)
    values = [value for _, value in equal]
    return [key > tuple_(*values, low), key < tuple_(*values, high)]
