"""Guarded updates: a row is written only as long as it is as it was read (SPEC 1)."""

from __future__ import annotations

from collections.abc import Sized
from itertools import compress
from operator import is_not
from typing import Any

from sqlalchemy import Connection

from engine.records import Step
from storage.rows import step_values
from storage.statements import RESULT, Statements

_PLACES = range(len(Step._fields))


class GuardFailed(Exception):
    """A row is not as it was read: another process was quicker. The transaction is rolled back and tried again."""


def guard(written: int, expected: Sized) -> None:
    """Raise GuardFailed unless every expected row was there to be written."""
    if written != len(expected):
        raise GuardFailed


class StepUpdates:
    """Changed steps, each written by the columns that changed: most changes are of few, and every column costs."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, ...], list[tuple[Any, ...]]] = {}  # places of the changed fields → rows

    def add(self, before: Step, after: Step, *result: str | None) -> None:
        """``before`` is what must still be stored; ``result``, if there is a new one, is JSON text."""
        changed = tuple(compress(_PLACES, map(is_not, after, before)))
        row = (*step_values(after, changed), *result, before.request_id, before.node, before.version)
        self._rows.setdefault(changed + (RESULT,) * len(result), []).append(row)

    def run(self, connection: Connection, statements: Statements) -> None:
        """Write them. Raises GuardFailed."""
        for changed, rows in self._rows.items():
            guard(statements.update_steps(changed).run(connection, rows), rows)
