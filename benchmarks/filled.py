"""Databases of any size for the benchmarks, full of what an engine itself wrote.

A real engine runs a hundred requests to their ends (or to where they wait); then the database copies their rows, with
other numbers, until it is as large as is wanted. So the rows are those of this version, and a million take minutes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import Column, Connection, Double, Table, func, literal, select

from engine.callbacks import Callbacks
from engine.catalog import Catalog
from engine.commands.service import Engine
from engine.definition import load
from engine.functions import function
from engine.nodes.connections import Connection as OutsideSystem
from engine.nodes.connections import ConnectionSettings
from engine.ports.outbox import CARD, Posted
from engine.ports.store import Store
from engine.records import Request
from engine.rules.permissions import Actor
from engine.states import RequestStatus, StepStatus
from engine.stored import RequestFilter
from engine.values.masking import Masker
from engine.worker.runner import Runner
from engine.worker.tools import Tools
from engine.worker.worker import Worker
from storage.database import Database
from storage.migrations import upgrade
from storage.outbox import SqlOutbox
from storage.store import SqlStore
from storage.tables import attempts, events, outbox, posted, requests, steps, tallies

SOMEONE = Actor("bench@example.com", "Bench", "cli", mail="bench@example.com", owner=True)
MADE = 100  # requests that the engine runs, and that are copied
RARE = 100  # requests of an application that has no more of them, however large the database grows
RARE_APP = "Legal"
APPS = ("HR", "IT", "Finance", "Travel")  # by rising number, so that most requests are of the first two
COPIED = (requests, steps, attempts, events, outbox, posted)
CHUNK = 500  # copies of all in one transaction

_AWAY = "http://127.0.0.1:9"  # the discard port: nobody answers
_WORK = "{function: {name: filled.work, isolation: thread}}"
_ORDERS = {  # by what becomes of the request
    "done": _WORK,
    "blocked": "{action: {connection: away, method: POST, path: /orders}}",
    "long": "{action: {connection: away, method: POST, path: /orders, retry: {times: 9, interval: 30d}}}",
    "asks": "{approval: {approvers: [rae@example.com]}, approved: tell, rejected: end}",
    "waits": "{delay: {for: 30d}}",
}
OPEN = {place: "waits" if place % 2 else "blocked" for place in range(100)}  # every one of the hundred
_OTHERS = {  # than done, of the hundred; one of the blocked is withdrawn
    **dict.fromkeys((5, 30, 31, 62, 88), "blocked"),
    20: "long",
    45: "waits",
    70: "asks",
    77: "asks",
}
_DEFINITION = f"""
workflow: %s
app: %s
title: "Order {{{{ request.input.number }}}}"
nodes:
  check: {_WORK}
  book: {_WORK}
  order: %s
  tell: {_WORK}
"""


@function("filled.work")
def work() -> dict[str, object]:
    """What an outside system might have answered."""
    return {"id": "acc-10492", "state": "active", "roles": ["reader", "writer"]}


class Open(NamedTuple):
    """An open database with an engine on it that runs nothing by itself."""

    database: Database
    store: SqlStore
    outbox: SqlOutbox
    catalog: Catalog
    engine: Engine

    def close(self) -> None:
        """Close it all."""
        self.store.close()
        self.database.close()


def open_on(database: Database) -> Open:
    """An engine on ``database``; every application has a channel."""
    store = SqlStore(database, lambda name, version: catalog.graph(name, version), lambda app: True)
    catalog = Catalog(store.workflow)
    return Open(database, store, SqlOutbox(store), catalog, Engine(store, catalog))


def worker_on(store: Store, catalog: Catalog) -> Worker:
    """A worker of these workflows; the outside system that they call is away."""
    away = OutsideSystem("away", ConnectionSettings(base_url=_AWAY))
    tools = Tools(store, catalog, {"away": away}, Callbacks(None, store.installation_secret), Masker(frozenset()))
    return Worker(store, Runner(tools), name="filled", lease=60.0, exclusive=True)


def fill(site: Open, number: int, others: Mapping[int, str] = _OTHERS) -> None:
    """``number`` requests in an empty database: a multiple of 100, and 200 at least. ``others``: see _OTHERS."""
    upgrade(site.database)
    _make(site, others)
    _copy(site.database, number // MADE - 2)


def _make(site: Open, others: Mapping[int, str]) -> None:
    """Let an engine run what is copied, and the few of the rare application."""
    for app in (*APPS, RARE_APP):
        for kind, order in _ORDERS.items():
            definition = load(_DEFINITION % (f"{app.lower()}_{kind}", app, order), "filled.yaml")
            site.engine.publish(SOMEONE, definition)
    for place in range(MADE):
        _submit(site, APPS[min(place % 10 // 3, place % 4)], others.get(place, "done"), place)
    for place in range(RARE):
        _submit(site, RARE_APP, "done" if place % 10 else "blocked", place)
    worker = worker_on(site.store, site.catalog)
    worker.start()
    while any(_runs(site, request) for request in _unfinished(site)):
        time.sleep(0.02)
    worker.stop()
    site.engine.withdraw(SOMEONE, _blocked(site)[0].id, reason="Ordered twice.")
    while rows := site.outbox.due(1000, 60.0):
        for row in rows:
            site.outbox.remember(
                Posted(row.request_id, CARD, "T1", "C1", f"1700000000.{row.request_id:06}", "a digest")
            )
            site.outbox.done([row.id])


def _submit(site: Open, app: str, kind: str, number: int) -> None:
    site.engine.submit(SOMEONE, f"{app.lower()}_{kind}", {"number": number})


def _unfinished(site: Open) -> list[Request]:
    return [row.request for row in site.store.requests(RequestFilter(RequestStatus.IN_PROGRESS, limit=MADE + RARE))]


def _blocked(site: Open) -> list[Request]:
    found = RequestFilter(RequestStatus.BLOCKED, limit=MADE + RARE, oldest_first=True)
    return [row.request for row in site.store.requests(found)]


def _runs(site: Open, request: Request) -> bool:
    """Whether a step of it is still to run, now and not in a month."""
    return any(step.status in (StepStatus.READY, StepStatus.RUNNING) for step in site.store.status(request.id)[1])


def _copy(database: Database, copies: int) -> None:
    """Copy everything of the first hundred requests ``copies`` times, behind the highest number."""
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("PRAGMA cache_size = -200000")
        for table in COPIED:
            key = ", ".join(column.name for column in table.primary_key)
            of = f"{_number(table)} <= {MADE} ORDER BY {key}"
            connection.exec_driver_sql(
                f"CREATE TEMPORARY TABLE made_{table.name} AS SELECT * FROM {table.name} WHERE {of}"
            )
        connection.commit()
        for first in range(1, copies + 1, CHUNK):
            last = min(first + CHUNK - 1, copies)
            for table in COPIED:
                connection.exec_driver_sql(_insert(connection, table, first, last, copies))
            connection.commit()
        _count(connection)
        connection.commit()
    _settle(database, RARE + (copies + 1) * MADE)


def _number(table: Table) -> str:
    return "id" if table is requests else "request_id"


def _insert(connection: Connection, table: Table, first: int, last: int, copies: int) -> str:
    names, values = zip(*_values(table, copies), strict=True)
    if connection.dialect.name == "sqlite":
        numbers = f"WITH RECURSIVE g(n) AS (VALUES ({first}) UNION ALL SELECT n + 1 FROM g WHERE n < {last})"
        source = f"{numbers} SELECT {', '.join(values)} FROM g CROSS JOIN made_{table.name} AS m"
    else:
        order = ", ".join(f"m.{column.name}" for column in table.primary_key)
        numbers = f"generate_series({first}, {last}) AS g(n)"
        source = f"SELECT {', '.join(values)} FROM {numbers}, made_{table.name} AS m ORDER BY g.n, {order}"
    return f"INSERT INTO {table.name} ({', '.join(names)}) {source}"


def _values(table: Table, copies: int) -> Iterator[tuple[str, str]]:
    for column in table.columns:
        name = f'"{column.name}"'
        if column.name == _number(table):
            yield name, f"m.{name} + {RARE} + {MADE} * g.n"
        elif column.name != "id":  # the database numbers events and messages by itself
            yield name, _value(column, f"m.{name}", copies)


def _value(column: Column[object], made: str, copies: int) -> str:
    """The newest copy is from now, the others are a second older each; what waits does so in that order, too."""
    if not isinstance(column.type, Double):
        return made
    return f"{made} + g.n" if column in (steps.c.due_at, steps.c.wakes_at) else f"{made} + g.n - {copies}"


def _count(connection: Connection) -> None:
    """The tallies of what was copied."""
    connection.execute(tallies.delete())
    by_app = select(literal(0), literal("requests"), requests.c.app, requests.c.status, func.count())
    by_kind = select(literal(0), literal("events"), literal(""), events.c.kind, func.count())
    for counted in (by_app.group_by(requests.c.app, requests.c.status), by_kind.group_by(events.c.kind)):
        connection.execute(tallies.insert().from_select(tallies.columns.keys(), counted))


def _settle(database: Database, last: int) -> None:
    """What a database in use has done long since."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('requests', 'id'), {last})")
            connection.exec_driver_sql("VACUUM (ANALYZE)")
