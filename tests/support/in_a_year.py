"""Retention a year from now."""

from __future__ import annotations

from engine.commands.pruning import DAY
from storage.retention import SqlRetention


class InAYear(SqlRetention):
    """The same database, looked at a year from now: so nothing is changed in it that its history would tell."""

    def now(self) -> float:
        return super().now() + 365 * DAY
