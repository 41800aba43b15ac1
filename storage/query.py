"""One statement with named values, compiled once and given to the driver as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ClauseElement,
    ColumnElement,
    Connection,
    Dialect,
    Double,
    Text,
    any_,
    bindparam,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql.compiler import SQLCompiler

from storage import driver

POSTGRES_CLOCK = "extract(epoch FROM clock_timestamp())::float8"  # seconds since the epoch


class Query:
    """A statement with named values."""

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        self.sql = str(compiled)
        self._order: list[str] = compiled.positiontup or []
        self._fixed = compiled.params  # SQLite's LIMIT brings an OFFSET of 0

    def run(self, connection: Connection, **values: Any) -> Sequence[Sequence[Any]]:
        return driver.rows(connection, self.sql, self._in_order(values))

    def ask(self, connection: Connection, **values: Any) -> Any:
        """The driver's cursor, to fetch from when it is answered: see storage.driver.together."""
        return driver.execute(connection, self.sql, self._in_order(values))

    def write(self, connection: Connection, **values: Any) -> None:
        """The same for a statement that writes."""
        self.ask(connection, **values)

    def _in_order(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple([values[name] if name in values else self._fixed[name] for name in self._order])


def clock(dialect: Dialect) -> ColumnElement[float]:
    """The present moment. On SQLite the value of ``now``; a question to PostgreSQL may leave before its clock is known.
    In a query of its own, as an index can be asked for what is before one value, and not for what is before a clock."""
    if dialect.name == "sqlite":
        return bindparam("now", type_=Double())
    return select(literal_column(POSTGRES_CLOCK, Double())).scalar_subquery()


def among(dialect: Dialect, column_: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """``column_`` is one of the list that ``listed`` made the value of ``name``: one text, however long the list."""
    if dialect.name == "sqlite":
        return column_.in_(select(column("value")).select_from(func.json_each(bindparam(name))))
    kind = Text() if isinstance(column_.type, Text) else BigInteger()
    return column_ == any_(bindparam(name, type_=ARRAY(kind)))
