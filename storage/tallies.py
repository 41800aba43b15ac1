"""How many requests are in each status, kept with every change: App Home and the metrics ask often, and counting a
million rows for each of them would cost more than all else that they read.

The numbers are stored in parts, and the sum of the parts is the number. On PostgreSQL each transaction takes any part,
so that writers seldom wait for one another; a writer takes it last, when it waits for nothing else.
"""

from __future__ import annotations

import random
from collections import Counter

from sqlalchemy import Connection

from engine.records import Request
from storage.statements import Statements

_PARTS = {"sqlite": 1, "postgresql": 16}


class Tally:
    """What the requests of one transaction change."""

    def __init__(self) -> None:
        self._changes: Counter[tuple[str, str]] = Counter()

    def came(self, request: Request) -> None:
        """It is new."""
        self._changes[request.app, request.status.value] += 1

    def changed(self, before: Request, after: Request) -> None:
        """It may have another status."""
        if after.status is not before.status:
            self._changes[before.app, before.status.value] -= 1
            self._changes[after.app, after.status.value] += 1

    def write(self, connection: Connection, statements: Statements) -> None:
        """Store it. In a fixed order: two writers that want the same rows must not deadlock."""
        part = random.randrange(_PARTS[connection.dialect.name])
        changes = [(part, app, status, number) for (app, status), number in sorted(self._changes.items()) if number]
        statements.add_tallies.run(connection, changes)
