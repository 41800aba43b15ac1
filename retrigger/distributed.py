"""What `executor: procrastinate` takes, put together. Procrastinate is imported only then: it is an extra."""

from __future__ import annotations

from functools import partial

from engine.executors.port import NewExecutor
from storage.database import Database
from storage.jobs import Jobs
from storage.store import SqlStore


def new_jobs() -> Jobs:
    """The queue into which every process puts a job for what it makes due."""
    from storage.procrastinate_jobs import ProcrastinateJobs

    return ProcrastinateJobs()


def new_executor(store: SqlStore, lease: float) -> NewExecutor:
    """What runs the steps of a worker whose leases last ``lease`` seconds."""
    from engine.executors.procrastinate import ProcrastinateExecutor

    return partial(ProcrastinateExecutor, conninfo=store.database.conninfo, lease=lease, nudge=store.nudge)


def check_tables(database: Database) -> None:
    """Raise StorageError, with what to do, unless Procrastinate's tables are as they must be."""
    from storage import procrastinate_tables

    procrastinate_tables.check(database)


def upgrade_tables(database: Database) -> bool:
    """Make Procrastinate's tables, or bring them up to date. False when nothing was to be done. Raises StorageError."""
    from storage import procrastinate_tables

    return procrastinate_tables.upgrade(database)
