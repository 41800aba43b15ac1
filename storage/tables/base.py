"""What all tables are made of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, literal_column
from sqlalchemy.sql import ColumnElement

metadata = MetaData()

# SQLite numbers rows by itself only in a column of type INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")
HIGHEST_ID = 2**63 - 1  # that either database can compare with an id
HIGHEST_VERSION = 2**31 - 1  # and with the number of a version


def is_one_of(column: Column[str], *values: str) -> ColumnElement[bool]:
    """A condition with its values in the text: SQLite uses a partial index only for a query that repeats its words."""
    return column.in_([literal_column(f"'{value}'") for value in values])


def partial_index(name: str, *columns: Column[Any], where: ColumnElement[bool], unique: bool = False) -> None:
    """An index of the rows that are ``where``."""
    Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)
