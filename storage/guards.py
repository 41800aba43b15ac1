"""Guarded updates: a row is written only as long as it is as it was read (SPEC 1)."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from contextlib import contextmanager
from itertools import compress
from operator import is_not
from typing import Any

from sqlalchemy import Connection

from engine.records import Step
from storage import driver
from storage.rows import step_values
from storage.statements import RESULT, Statements

_PLACES = range(len(Step._fields))


class GuardFailed(Exception):
    """A row is not as it was read: another process was quicker. The transaction is rolled back and tried again."""


class Guards:
    """What must have been there to be written. It is known once the database has answered."""

    def __init__(self) -> None:
        self._written: list[tuple[Any, int]] = []

    def expect(self, cursor: Any, rows: Sized) -> None:
        """Every one of ``rows`` must be among what ``cursor`` wrote."""
        self._written.append((cursor, len(rows)))

    def check(self) -> None:
        """Raise GuardFailed unless all were there."""
        if any(cursor.rowcount != number for cursor, number in self._written):
            raise GuardFailed


@contextmanager
def guarded(connection: Connection) -> Iterator[Guards]:
    """Writes that are sent together, and guarded when all are done. Raises GuardFailed, DBAPIError."""
    guards = Guards()
    with driver.together(connection):
        yield guards
    guards.check()


class StepUpdates:
    """Changed steps, each written by the columns that changed: most changes are of few, and every column costs. On
    PostgreSQL a statement costs more, so there the usual changes share one."""

    def __init__(self) -> None:
        self._changes: list[tuple[Step, Step, tuple[str | None, ...]]] = []

    def add(self, before: Step, after: Step, *result: str | None) -> None:
        """``before`` is what must still be stored; ``result``, if there is a new one, is JSON text."""
        self._changes.append((before, after, result))

    def run(self, connection: Connection, statements: Statements, guards: Guards) -> None:
        """Write them."""
        grouped: dict[tuple[int, ...], list[tuple[Any, ...]]] = {}  # places of the written fields → rows
        for before, after, result in self._changes:
            places = tuple(compress(_PLACES, map(is_not, after, before)))
            if not result:
                places = next((usual for of, usual in statements.usual.items() if of.issuperset(places)), places)
            row = (*step_values(after, places), *result, before.request_id, before.node, before.version)
            grouped.setdefault(places + (RESULT,) * len(result), []).append(row)
        for places, rows in grouped.items():
            guards.expect(statements.update_steps(places).run(connection, rows), rows)
