"""DBOS: workflows of five no-op steps, in one process, or from a queue that workers listen to.

As its documentation advises: SQLite for one process, PostgreSQL for production. It knows no better setting for the
recovery of another machine's workflows: that is the work of Conductor, a service beside it. With ``tuned``, its queue
is asked ten times a second, not once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dbos import DBOS, DBOSClient, DBOSConfig, WorkflowHandle
from sqlalchemy import create_engine, text

from benchmarks import measures
from benchmarks.measures import STEPS
from benchmarks.systems import MACHINE

_QUEUE = "bench"
_ENDED = text("SELECT count(*) FROM dbos.workflow_status WHERE status = 'SUCCESS'")


@DBOS.step()
def no_op(place: int) -> int:
    """Do nothing."""
    return place


@DBOS.workflow()
def five_steps() -> int:
    """The steps, one after another."""
    return sum(no_op(place) for place in range(STEPS))


@DBOS.step()
def ran(file: str) -> None:
    """See measures.ran."""
    measures.ran(file)


@DBOS.workflow()
def hangs(file: str) -> None:
    """A workflow of one step."""
    ran(file)


class Embedded:
    """Starts workflows in this process."""

    def __init__(self) -> None:
        self._handles: list[WorkflowHandle[int]] = []

    def submit(self) -> None:
        self._handles.append(DBOS.start_workflow(five_steps))

    def done(self) -> int:
        for handle in self._handles:
            handle.get_result()
        return len(self._handles)

    def hang(self, file: str) -> None:
        DBOS.start_workflow(hangs, file)


class Queued:
    """Enqueues them for the workers."""

    def __init__(self, url: str) -> None:
        self._client = DBOSClient(system_database_url=url, system_database_pool_size=20)
        self._counts = create_engine(_driver(url))

    def submit(self) -> None:
        self._client.enqueue({"workflow_name": "five_steps", "queue_name": _QUEUE})

    def done(self) -> int:
        with self._counts.connect() as connection:
            return int(connection.execute(_ENDED).scalar_one())

    def hang(self, file: str) -> None:
        self._client.enqueue({"workflow_name": "hangs", "queue_name": _QUEUE}, file)


@contextmanager
def client(url: str, variant: str, *, embedded: bool) -> Iterator[Embedded | Queued]:
    """See benchmarks.systems."""
    _launch(url, variant)
    if embedded:
        yield Embedded()
    else:
        DBOS.destroy()  # it was there to make the tables
        yield Queued(url)
    DBOS.destroy()


def work(url: str, variant: str) -> None:
    """Listen to the queue."""
    _launch(url, variant)
    threading.Event().wait()


def _launch(url: str, variant: str) -> None:
    config: DBOSConfig = {"name": "bench", "system_database_url": url, "application_version": "1"}
    # Each machine has a name: a workflow is recovered by the executor that has the name of the one that began it.
    config |= {"log_level": "ERROR", "executor_id": os.environ.get(MACHINE, "local")}
    DBOS(config=config)
    DBOS.launch()
    if not url.startswith("sqlite"):
        DBOS.register_queue(_QUEUE, polling_interval_sec=0.1 if variant == "tuned" else 1.0)


def _driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")
