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
    """Changed steps, each written by the columns that changed: most changes are of few, and every column costs."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, ...], list[tuple[Any, ...]]] = {}  # places of the changed fields → rows

    def add(self, before: Step, after: Step, *result: str | None) -> None:
        """``before`` is what must still be stored; ``result``, if there is a new one, is JSON text."""
        changed = tuple(compress(_PLACES, map(is_not, after, before)))
        row = (*step_values(after, changed), *result, before.request_id, before.node, before.version)
        self._rows.setdefault(changed + (RESULT,) * len(result), []).append(row)

    def run(self, connection: Connection, statements: Statements, guards: Guards) -> None:
        """Write them."""
        for changed, rows in self._rows.items():
            guards.expect(statements.update_steps(changed).run(connection, rows), rows)
