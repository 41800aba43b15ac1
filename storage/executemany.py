"""Writes of many rows with one statement, compiled once; rows go to the driver as plain tuples.

What SQLAlchemy does for each row of an executemany (names to positions, types) costs more than the databases' own
work. SQLite gets the rows as they are. PostgreSQL's executemany would be a message, and a plan, for each row: it gets
all as one JSON text, which the driver takes a quarter of the time for that a list for each column would cost.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    ClauseElement,
    ColumnElement,
    Connection,
    Dialect,
    FromClause,
    Table,
    Text,
    bindparam,
    case,
    cast,
    column,
    false,
    func,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql.compiler import SQLCompiler

from storage.driver import execute
from storage.rows import dump

_GIVEN = "given"  # the parameter of PostgreSQL's statements


class Rows:
    """A write of many rows at once, their values in the order of ``names``."""

    def __init__(self, statement: ClauseElement, dialect: Dialect, names: Sequence[str]) -> None:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        self.sql = str(compiled)
        self._names = tuple(names)
        self._as_json = dialect.name != "sqlite"
        given = [_GIVEN] if self._as_json else list(names)
        assert compiled.positiontup == given, compiled.positiontup
        assert self._as_json or self.sql.count("?") == len(names), self.sql
        self._without: dict[tuple[int, ...], str] = {}  # places of values that are all NULL → SQL

    def run(self, connection: Connection, rows: list[tuple[Any, ...]]) -> Any:
        """Returns the driver's cursor, whose ``rowcount`` is of all rows; None where there is none to be written. Of a
        key that comes twice, any of the rows may be written."""
        if not rows:
            return None
        if self._as_json:
            return execute(connection, self.sql, (dump([dict(zip(self._names, row, strict=True)) for row in rows]),))
        return execute(connection, *self._without_nulls(rows), many=True)

    def _without_nulls(self, rows: list[tuple[Any, ...]]) -> tuple[str, list[tuple[Any, ...]]]:
        """SQLite's driver takes longer to bind a NULL than anything else: those of all rows are written in the text."""
        columns, number = list(zip(*rows, strict=True)), len(rows)
        first = enumerate(rows[0])
        nulls = tuple([place for place, it in first if it is None and columns[place].count(None) == number])
        if not nulls:
            return self.sql, rows
        if nulls not in self._without:
            marks = itertools.count()
            self._without[nulls] = re.sub(r"\?", lambda _: "NULL" if next(marks) in nulls else "?", self.sql)
        for place in reversed(nulls):
            del columns[place]
        return self._without[nulls], list(zip(*columns, strict=True))


class _Given:
    """The values that come with a statement: the new ones, and those that the row must still have."""

    def __init__(self, dialect: Dialect, table: Table, new: Sequence[str], old: Sequence[str] = ()) -> None:
        types = {f"new_{name}": table.c[name].type for name in new} | {
            f"old_{name}": table.c[name].type for name in old
        }
        self.names = list(types)
        self.source: FromClause | None = None
        self._values: dict[str, ColumnElement[Any]]
        if dialect.name == "sqlite":
            self._values = {name: bindparam(name, type_=kind) for name, kind in types.items()}
        else:
            rows = func.json_to_recordset(cast(bindparam(_GIVEN, type_=Text()), JSON))
            source = rows.table_valued(*(column(name, kind) for name, kind in types.items()))
            self.source = source.render_derived(name="given", with_types=True)
            self._values = {name: self.source.c[name] for name in types}
        self.new = {name: self._values[f"new_{name}"] for name in new}
        self.same = [table.c[name] == self._values[f"old_{name}"] for name in old]


def insert_rows(dialect: Dialect, table: Table, names: Sequence[str]) -> Rows:
    """Rows of ``names``."""
    given = _Given(dialect, table, names)
    if given.source is None:
        return Rows(insert(table).values(given.new).inline(), dialect, given.names)
    return Rows(insert(table).from_select(names, select(*given.new.values())).inline(), dialect, given.names)


def add_rows(dialect: Dialect, table: Table, number: str) -> Rows:
    """Rows whose ``number`` is added to that of the row with the same key, if there is one."""
    given = _Given(dialect, table, table.columns.keys())
    key = list(table.primary_key)
    if given.source is None:
        new = sqlite_insert(table).values(given.new)
        added = new.on_conflict_do_update(index_elements=key, set_={number: table.c[number] + new.excluded[number]})
        return Rows(added.inline(), dialect, given.names)
    rows = postgresql_insert(table).from_select(table.columns.keys(), select(*given.new.values()))
    summed = rows.on_conflict_do_update(index_elements=key, set_={number: table.c[number] + rows.excluded[number]})
    return Rows(summed.inline(), dialect, given.names)


def put_rows(dialect: Dialect, table: Table, names: Sequence[str]) -> Rows:
    """Rows of ``names``, each in the place of the row with the same key, if there is one."""
    given = _Given(dialect, table, names)
    key = list(table.primary_key)
    others = [name for name in names if name not in table.primary_key.columns]
    if given.source is None:
        new = sqlite_insert(table).values(given.new)
        kept = new.on_conflict_do_update(index_elements=key, set_={name: new.excluded[name] for name in others})
        return Rows(kept.inline(), dialect, given.names)
    rows = postgresql_insert(table).from_select(names, select(*given.new.values()))
    put = rows.on_conflict_do_update(index_elements=key, set_={name: rows.excluded[name] for name in others})
    return Rows(put.inline(), dialect, given.names)


def update_rows(
    dialect: Dialect, table: Table, names: Sequence[str], key: Sequence[str], *also: ColumnElement[bool]
) -> Rows:
    """Rows of the new ``names``, then of the ``key`` as it must still be."""
    given = _Given(dialect, table, names, key)
    if given.source is not None:  # PostgreSQL would guess how few rows are so, and read a whole index for them
        also = tuple(case((condition, true()), else_=false()) for condition in also)
    return Rows(update(table).where(*given.same, *also).values(given.new), dialect, given.names)
