"""Procrastinate alone: chains of five no-op jobs, each deferred by the one before it.

``tuned``: as its documentation advises for jobs of dead workers, a periodic task retries those that are stalled, with
a heartbeat of 1 s and a worker stalled after 3 s; each 2 s is the shortest that its periodic tasks do reliably. Both
variants run 32 jobs at once, and are told of new jobs by the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from benchmarks import measures
from benchmarks.measures import STEPS
from benchmarks.systems import CALLERS, SLOTS

_ENDED = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'"
_STALLED = 3.0  # seconds without a heartbeat


def _app(connector: PsycopgConnector | SyncPsycopgConnector) -> App:
    app = App(connector=connector)

    @app.task(name="step")
    async def step(place: int) -> None:
        if place + 1 < STEPS:
            await step.defer_async(place=place + 1)

    @app.task(name="hangs")
    def hangs(file: str) -> None:
        measures.ran(file)

    return app


class Client:
    """Defers from several threads, on a pool of connections."""

    def __init__(self, app: App, counts: psycopg.Connection[tuple[int]]) -> None:
        self._app, self._counts = app, counts

    def submit(self) -> None:
        self._app.configure_task("step").defer(place=0)

    def done(self) -> int:
        found = self._counts.execute(_ENDED).fetchone()
        return found[0] // STEPS if found else 0

    def hang(self, file: str) -> None:
        self._app.configure_task("hangs").defer(file=file)


@contextmanager
def client(url: str, variant: str, *, embedded: bool) -> Iterator[Client]:
    """See benchmarks.systems."""
    app = _app(SyncPsycopgConnector(conninfo=url, max_size=CALLERS))
    with app.open(), psycopg.connect(url, autocommit=True) as counts:
        app.schema_manager.apply_schema()
        yield Client(app, counts)


def work(url: str, variant: str) -> None:
    """Run jobs."""
    app = _app(PsycopgConnector(conninfo=url, max_size=SLOTS))
    if variant == "tuned":
        _retry_stalled(app)
    beat = {"update_heartbeat_interval": 1.0, "stalled_worker_timeout": _STALLED} if variant == "tuned" else {}
    app.run_worker(concurrency=SLOTS, **beat)


def _retry_stalled(app: App) -> None:
    @app.periodic(cron="*/2 * * * * *")
    @app.task(name="retry_stalled", queueing_lock="retry_stalled", pass_context=False)
    async def retry_stalled(timestamp: int) -> None:
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED):
            await app.job_manager.retry_job(job)
