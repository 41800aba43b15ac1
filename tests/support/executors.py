"""Which executor the engines of a test run with, those in processes of their own, too: RETRIGGER_EXECUTOR says so,
as it does for the product."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from engine.executors.apscheduler import ApschedulerExecutor
from engine.executors.port import NewExecutor
from retrigger import distributed
from storage.database import Database
from storage.jobs import Jobs
from storage.store import SqlStore

_VARIABLE = "RETRIGGER_EXECUTOR"
_PROCRASTINATE = "procrastinate"


@contextmanager
def chosen(engine: str) -> Iterator[None]:
    """One of ``tests.conftest.ENGINES``: whatever is started meanwhile runs with its executor."""
    with pytest.MonkeyPatch.context() as patch:
        if engine == _PROCRASTINATE:
            patch.setenv(_VARIABLE, _PROCRASTINATE)
        yield


def _is_distributed() -> bool:
    return os.environ.get(_VARIABLE) == _PROCRASTINATE


def new_jobs() -> Jobs | None:
    return distributed.new_jobs() if _is_distributed() else None


def new_executor(store: SqlStore, lease: float) -> NewExecutor:
    return distributed.new_executor(store, lease) if _is_distributed() else ApschedulerExecutor


def upgrade_tables(database: Database) -> None:
    if _is_distributed():
        distributed.upgrade_tables(database)
