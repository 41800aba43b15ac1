"""A page of requests, as a range of the index over application, status and id, so that it costs the same on any page of
any number of requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, select, tuple_, union_all

from engine.store import RequestFilter
from storage.statements import REQUEST_COLUMNS
from storage.tables import requests

_MANY = 100  # applications; a longer statement costs more than what it saves
_HIGHEST = 2**63 - 1  # id

Equal = Sequence[tuple[Column[Any], str]]


def page(filter: RequestFilter, is_sqlite: bool) -> Select[*tuple[Any, ...]]:
    """Of several applications, a page of each, and of these the page."""
    status = [] if filter.status is None else [(requests.c.status, filter.status.value)]
    if filter.apps is None:
        return _range(filter, status, is_sqlite)
    apps = sorted(filter.apps)
    if not 0 < len(apps) <= _MANY:
        return _range(filter, status, is_sqlite).where(requests.c.app.in_(apps))
    each = [_range(filter, [(requests.c.app, app), *status], is_sqlite) for app in apps]
    if len(each) == 1:
        return each[0]
    pages = union_all(*(select(one.subquery()) for one in each)).subquery()
    return select(pages).order_by(_order(filter, pages.c.id)).limit(filter.limit)


def _range(filter: RequestFilter, equal: Equal, is_sqlite: bool) -> Select[*tuple[Any, ...]]:
    low, high = 0, _HIGHEST
    if filter.after is not None:
        low, high = (filter.after, high) if filter.oldest_first else (low, filter.after)
    inside = _inside if is_sqlite else _between
    columns = [*(column for column, _ in equal), requests.c.id]
    rows = select(*REQUEST_COLUMNS, requests.c.title).where(*inside(equal, low, high))
    return rows.order_by(*(_order(filter, column) for column in columns)).limit(filter.limit)


def _inside(equal: Equal, low: int, high: int) -> list[ColumnElement[bool]]:
    return [*(column == value for column, value in equal), requests.c.id > low, requests.c.id < high]


def _between(equal: Equal, low: int, high: int) -> list[ColumnElement[bool]]:
    """Compared as rows: told what is equal, PostgreSQL may walk through the ids of all requests instead, in the hope
    that soon enough of them are of the application. SQLite would not look up the id so."""
    key = tuple_(*(column for column, _ in equal), requests.c.id)
    values = [value for _, value in equal]
    return [key > tuple_(*values, low), key < tuple_(*values, high)]


def _order(filter: RequestFilter, column: ColumnElement[Any]) -> ColumnElement[Any]:
    return column.asc() if filter.oldest_first else column.desc()
