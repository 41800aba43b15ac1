"""How many requests are in each status, and what happened to their steps, kept with every change: App Home and monitors
ask often, and counting millions of rows for each of them would cost more than all else that they read.

The numbers are stored in parts, and the sum of the parts is the number. On PostgreSQL each transaction takes any part,
so that writers seldom wait for one another; a writer takes it last, when it waits for nothing else.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from engine.records import Event, Request
from storage.statements import Statements
from storage.tables import tallies

_PARTS = {"sqlite": 1, "postgresql": 16}
_REQUESTS, _EVENTS = "requests", "events"
_ALL = ""  # events are not kept by application


class Tally:
    """What one transaction adds and takes away."""

    def __init__(self) -> None:
        self._changes: Counter[tuple[str, str, str]] = Counter()

    def came(self, request: Request) -> None:
        """It is new."""
        self._changes[_REQUESTS, request.app, request.status.value] += 1

    def changed(self, before: Request, after: Request) -> None:
        """It may have another status."""
        if after.status is not before.status:
            self._changes[_REQUESTS, before.app, before.status.value] -= 1
            self._changes[_REQUESTS, after.app, after.status.value] += 1

    def happened(self, events: Iterable[Event]) -> None:
        """They were audited."""
        for kind, number in Counter(event.kind for event in events).items():
            self._changes[_EVENTS, _ALL, kind] += number

    def write(self, connection: Connection, statements: Statements) -> None:
        """Store it. In a fixed order: two writers that want the same rows must not deadlock."""
        part = random.randrange(_PARTS[connection.dialect.name])
        changes = [(part, *key, number) for key, number in sorted(self._changes.items()) if number]
        statements.add_tallies.run(connection, changes)


def requests_by_status(connection: Connection) -> dict[tuple[str, str], int]:
    """By application and status."""
    return {(app, status): number for app, status, number in _sums(connection, _REQUESTS)}


def events_by_kind(connection: Connection) -> dict[str, int]:
    """How often each happened to requests."""
    return {kind: number for _, kind, number in _sums(connection, _EVENTS)}


def _sums(connection: Connection, what: str) -> list[tuple[str, str, int]]:
    key = (tallies.c.app, tallies.c.name)
    summed = select(*key, func.sum(tallies.c.number)).where(tallies.c.what == what).group_by(*key)
    return [(app, name, int(number)) for app, name, number in connection.execute(summed)]
