"""Jobs in Procrastinate's tables, on the same PostgreSQL. Needs the extra ``distributed``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import Job
from sqlalchemy import Connection, Select, column, literal_column, select, table, union_all

from engine.executors.names import QUEUE, REQUEST, TASK
from storage import driver
from storage.jobs import Due, Row
from storage.tables import DUE, DUE_ALONE, steps

_GRACE = 1.0  # seconds that a due step may be in no job: a worker may just be taking it
_PAGE = 500
# What somebody is just taking is passed over: it finds nothing.
_REMOVE = """
    DELETE FROM procrastinate_jobs WHERE id IN (
        SELECT id FROM procrastinate_jobs WHERE status = 'todo' AND queueing_lock = ANY(%s) FOR UPDATE SKIP LOCKED
    )
"""


class ProcrastinateJobs:
    """No lock is set: a retry in the future would hold up jobs that share it. A ``queueing_lock`` names the step's row
    as it is, so that no two jobs wait for the same, and the sweep sees which rows wait in none."""

    def __init__(self) -> None:
        self._manager = App(
            connector=SyncPsycopgConnector()
        ).job_manager  # never opened: it has no connection of its own

    def put(self, connection: Connection, due: Sequence[Due], now: float) -> None:
        """A job for each of these, for the time when it is due. Raises DBAPIError."""
        if due:
            with _as_ours(connection):
                self._manager.batch_defer_jobs([_job(it, now) for it in due], connection=_driver(connection))

    def remove(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Those that wait for one of these. Raises DBAPIError."""
        if rows:
            driver.execute(connection, _REMOVE, (list(map(_lock, rows)),))

    def put_missing(self, connection: Connection, now: float) -> int:
        """A job for each step that has been due for a moment and waits in no job; of very many, the oldest. Raises
        DBAPIError, of a lost race when another process makes them just now."""
        found = [Due(*row) for row in connection.execute(_missing(now - _GRACE))]
        self.put(connection, found, now)
        return len(found)


def _job(due: Due, now: float) -> Job:
    return Job(
        queue=QUEUE,
        lock=None,
        queueing_lock=_lock(due[:3]),
        task_name=TASK,
        task_kwargs={REQUEST: due.request_id},
        scheduled_at=datetime.fromtimestamp(due.at, UTC) if due.at > now else None,
    )


def _lock(row: Row) -> str:
    return f"{row[0]}/{row[1]}/{row[2]}"


def _missing(before: float) -> Select[Any]:
    jobs = table("procrastinate_jobs", column("status"), column("queueing_lock"))
    facts = (steps.c.request_id, steps.c.node, steps.c.version, steps.c.due_at)
    oldest = [
        select(*facts).where(due, steps.c.due_at <= before).order_by(steps.c.due_at).limit(_PAGE).subquery()
        for due in (DUE, DUE_ALONE)
    ]
    late = union_all(*map(select, oldest)).subquery()
    row = late.c.request_id.concat("/").concat(late.c.node).concat("/").concat(late.c.version)
    waits = select(jobs).where(jobs.c.status == literal_column("'todo'"), jobs.c.queueing_lock == row)
    return select(late).where(~waits.exists())


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


@contextmanager
def _as_ours(connection: Connection) -> Iterator[None]:
    """The driver's errors as the writer knows them from every other statement."""
    try:
        yield
    except ProcrastinateException as error:
        cause = _cause(error)
        if cause is None:
            raise
        raise driver.told(connection, TASK, cause) from cause


def _cause(error: BaseException) -> psycopg.Error | None:
    """The driver's error that Procrastinate wraps, once or twice."""
    at: BaseException | None = error
    while at is not None and not isinstance(at, psycopg.Error):
        at = at.__cause__ or at.__context__
    return at
