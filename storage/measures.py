"""Numbers for a monitor (engine.stored.Measures)."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from engine.stored import Measures
from storage.database import now
from storage.repository import Repository
from storage.tables import DUE, DUE_ALONE, RUNNING, steps, workers
from storage.tallies import events_by_kind, requests_by_status


class Measuring(Repository):
    """Counts and ages, from what is kept for them or what an index has."""

    def measures(self) -> Measures:
        """One look at everything."""
        with self._database.reading() as connection:
            moment = now(connection)
            return Measures(
                requests_by_status(connection),
                events_by_kind(connection),
                _oldest_due(connection, moment),
                connection.scalar(select(func.count()).select_from(steps).where(RUNNING)) or 0,
                connection.scalar(select(func.count()).select_from(workers).where(workers.c.present_until > moment))
                or 0,
            )


def _oldest_due(connection: Connection, moment: float) -> float:
    first = [connection.scalar(select(func.min(steps.c.due_at)).where(due)) for due in (DUE, DUE_ALONE)]
    return max((moment - due for due in first if due is not None and due < moment), default=0.0)
