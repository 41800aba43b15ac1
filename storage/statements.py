"""The statements of the hot path, compiled once for a dialect.

Their rows go to the driver as plain tuples: what SQLAlchemy does for each row of an executemany (names to positions,
types) costs more than the databases' own work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ClauseElement,
    ColumnElement,
    Connection,
    Dialect,
    Table,
    Text,
    any_,
    bindparam,
    column,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.sql.compiler import SQLCompiler

from engine.records import Attempt, Event, Request, Step
from storage.rows import dump
from storage.tables import DUE, DUE_ALONE, RUNNING, attempts, events, outbox, requests, steps

REQUEST_COLUMNS = tuple(requests.c[name] for name in Request._fields)
STEP_COLUMNS = tuple(steps.c[name] for name in Step._fields)
ATTEMPT_COLUMNS = tuple(attempts.c[name] for name in Attempt._fields)
END_COLUMNS = tuple(attempts.c[name] for name in ("outcome", "ended_at", "error", "call", "response", "late"))
EVENT_COLUMNS = tuple(events.c[name] for name in Event._fields)


def _compiled(statement: ClauseElement, dialect: Dialect) -> SQLCompiler:
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    return compiled


class Rows:
    """A write of many rows at once."""

    def __init__(self, statement: ClauseElement, dialect: Dialect, names: Sequence[str]) -> None:
        compiled = _compiled(statement, dialect)
        assert compiled.positiontup == list(names), compiled.positiontup
        self.sql = str(compiled)

    def run(self, connection: Connection, rows: list[tuple[Any, ...]]) -> int:
        """Returns how many rows were written in all."""
        return connection.exec_driver_sql(self.sql, rows).rowcount if rows else 0


class Query:
    """A question with named values."""

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled = _compiled(statement, dialect)
        self.sql = str(compiled)
        self._order: list[str] = compiled.positiontup or []
        self._fixed = compiled.params  # SQLite's LIMIT brings an OFFSET of 0

    def run(self, connection: Connection, **values: Any) -> Sequence[Sequence[Any]]:
        row = tuple(values[name] if name in values else self._fixed[name] for name in self._order)
        return connection.exec_driver_sql(self.sql, row).all()


def among(dialect: Dialect, column_: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """``column_`` is one of the list that ``listed`` made the value of ``name``: one text, however long the list."""
    if dialect.name == "sqlite":
        return column_.in_(select(column("value")).select_from(func.json_each(bindparam(name))))
    kind = Text() if isinstance(column_.type, Text) else BigInteger()
    return column_ == any_(bindparam(name, type_=ARRAY(kind)))


class Statements:
    """Every statement of the hot path, for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.insert_requests = self._insert(requests, (*Request._fields, "title", "input", "submit_key"))
        self.insert_steps = self._insert(steps, Step._fields)
        self.insert_attempts = self._insert(attempts, Attempt._fields)
        self.insert_events = self._insert(events, Event._fields)
        self.insert_outbox = self._insert(
            outbox, ("request_id", "kind", "event", "actor", "created_at", "due_at", "tries", "sent_before")
        )
        self.update_requests = self._update(requests, Request._fields[1:], ("id", "version"))
        self.update_steps = self._update(steps, Step._fields[2:], ("request_id", "node", "version"))
        self.update_results = self._update(steps, ("result",), ("request_id", "node"))
        self.update_keys = self._update(attempts, ("idempotency_key",), ("request_id", "node", "number"))
        running, ended = attempts.c.outcome.is_(None), attempts.c.outcome.is_not(None)
        end = ("outcome", "ended_at", "error", "call", "response")
        self.end_attempts = self._update(attempts, end, ("request_id", "node", "number"), running)
        self.late_attempts = self._update(attempts, ("late",), ("request_id", "node", "number"), ended)
        self.delete_steps = self._delete(steps, ("request_id", "node", "version"))
        self._queries()

    def _queries(self) -> None:
        dialect = self._dialect
        mine = select(*REQUEST_COLUMNS).where(among(dialect, requests.c.id, "ids")).order_by(requests.c.id)
        self.lock_requests = Query(mine.with_for_update(), dialect)
        self.load_steps = Query(select(*STEP_COLUMNS).where(among(dialect, steps.c.request_id, "ids")), dialect)
        known = among(dialect, events.c.command_id, "ids")
        self.done_commands = Query(
            select(events.c.command_id, events.c.request_id).where(known, events.c.command_id.is_not(None)), dialect
        )
        whole = select(requests.c.input, requests.c.requester, requests.c.title)
        self.input = Query(whole.where(requests.c.id == bindparam("id", type_=BigInteger())), dialect)
        results = select(steps.c.node, steps.c.result, steps.c.error)
        of_request = steps.c.request_id == bindparam("id", type_=BigInteger())
        self.results = Query(results.where(of_request, among(dialect, steps.c.node, "nodes")), dialect)
        self._claim_queries()

    def _claim_queries(self) -> None:
        dialect = self._dialect
        due = steps.c.due_at <= bindparam("now")
        self.alone_due = Query(select(steps.c.request_id).where(DUE_ALONE, due).limit(1), dialect)
        mine = steps.c.worker == bindparam("worker", type_=Text())
        self.running_by = Query(select(steps.c.request_id).where(RUNNING, mine).limit(1), dialect)
        claimable = (
            select(*STEP_COLUMNS, requests.c.workflow_version, requests.c.workflow, requests.c.created_at)
            .join_from(steps, requests, requests.c.id == steps.c.request_id)
            .where(due)
            .order_by(steps.c.due_at)
            .limit(bindparam("free"))
            .with_for_update(of=steps, skip_locked=True)
        )
        self.claimable = Query(claimable.where(DUE), dialect)
        self.claimable_alone = Query(claimable.where(DUE_ALONE), dialect)

    def new_request_ids(self, connection: Connection, number: int) -> Sequence[int]:
        """Ids for new requests, in rising order. On SQLite the transaction holds the write lock, so it may count."""
        if self._dialect.name == "sqlite":
            last: int = connection.exec_driver_sql("SELECT coalesce(max(id), 0) FROM requests").scalar_one()
            return range(last + 1, last + 1 + number)
        sequence = "SELECT nextval(pg_get_serial_sequence('requests', 'id')) FROM generate_series(1, %s)"
        return sorted(connection.exec_driver_sql(sequence, (number,)).scalars())

    def listed(self, values: Sequence[Any]) -> Any:
        """A list as the one value that ``among`` compares with."""
        return dump(values) if self._dialect.name == "sqlite" else list(values)

    def _insert(self, table: Table, names: Sequence[str]) -> Rows:
        values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
        return Rows(insert(table).values(values).inline(), self._dialect, [f"new_{name}" for name in names])

    def _update(self, table: Table, names: Sequence[str], key: Sequence[str], *also: ColumnElement[bool]) -> Rows:
        values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
        statement = update(table).where(*self._is(table, key), *also).values(values)
        return Rows(statement, self._dialect, [*(f"new_{name}" for name in names), *(f"old_{name}" for name in key)])

    def _delete(self, table: Table, key: Sequence[str]) -> Rows:
        return Rows(delete(table).where(*self._is(table, key)), self._dialect, [f"old_{name}" for name in key])

    @staticmethod
    def _is(table: Table, key: Sequence[str]) -> list[ColumnElement[bool]]:
        return [table.c[name] == bindparam(f"old_{name}", type_=table.c[name].type) for name in key]
