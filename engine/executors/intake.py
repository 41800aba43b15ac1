"""The edge to Procrastinate's asynchronous worker: it takes jobs, and hands them over to threads at once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from math import inf
from threading import Thread
from typing import Any

from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status

from engine.executors.connector import Connector
from engine.executors.names import QUEUE, TASK
from engine.executors.tickets import Ticket
from engine.logs import logger

log = logger(__name__)

_POLL = 0.25  # seconds between looks for jobs whose time has come: of those, nobody is notified
_AGAIN = 0.5  # seconds until the database is tried again
_SAY_AGAIN = 60.0  # seconds between two lines that say so


class Intake:
    """Takes at most ``slots`` jobs at once; ``accept`` gives for each a ticket, and the job ends with that. When there
    is a new one, ``absorb`` says whether an open slot sees to what it is for, so that nobody need ask for it.

    What the database refuses is tried again, for as long as it takes; what runs meanwhile goes on without its job. Jobs
    of nodes that have given no sign of life for ``lease`` seconds are removed: what they were for is due, or will be
    when its lease is over, and gets new ones.
    """

    def __init__(
        self, conninfo: str, lease: float, slots: int, accept: Callable[[], Ticket], absorb: Callable[[], bool]
    ) -> None:
        self._conninfo, self._lease, self._slots = conninfo, lease, slots
        self._accept, self._absorb = accept, absorb
        self._loop = asyncio.new_event_loop()
        self._serving: asyncio.Task[None] | None = None
        self._is_set = False  # something is to be called later
        self._thread = Thread(target=self._run, name="procrastinate", daemon=True)

    def start(self) -> None:
        """Take jobs from now on."""
        for name in ("procrastinate", "psycopg.pool"):  # what they log for each job, or at each try, is told here once
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._thread.start()

    def stop(self) -> None:
        """Take no more jobs. Those that it has are over, for Procrastinate; their steps go on."""
        if self._thread.is_alive():
            with suppress(RuntimeError):  # the loop is closed: it has ended
                self._loop.call_soon_threadsafe(self._cancel)

    def join(self, patience: float) -> None:
        """Wait until it has stopped, for ``patience`` seconds at most: the database may be away."""
        if self._thread.ident is not None:
            self._thread.join(patience)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call it once after that time; what is asked for before that is the same call."""
        if not self._is_set:
            self._is_set = True
            with suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._loop.call_later, seconds, self._ring, call)

    def _ring(self, call: Callable[[], None]) -> None:
        self._is_set = False
        call()

    def _cancel(self) -> None:
        if self._serving is not None:
            self._serving.cancel()

    def _run(self) -> None:
        self._loop.set_exception_handler(_quiet)
        self._serving = self._loop.create_task(self._serve())
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._serving)
        self._loop.close()

    async def _serve(self) -> None:
        """Work, again and again: Procrastinate's worker ends when its database is away."""
        said = -inf
        while True:
            app = App(connector=Connector(self._conninfo, self._absorb))
            app.task(name=TASK, queue=QUEUE)(self._hand_over)
            try:
                async with app.open_async():
                    await self._work(app)
            except Exception as error:
                if time.monotonic() - said > _SAY_AGAIN:
                    log.error("jobs.away", says=f"No jobs can be taken: {error.__cause__ or error} Trying again.")
                    said = time.monotonic()
            await asyncio.sleep(_AGAIN)

    async def _work(self, app: App) -> None:
        tidying = asyncio.create_task(self._tidy(app))
        try:
            await app.run_worker_async(
                queues=[QUEUE],
                concurrency=self._slots,
                fetch_job_polling_interval=_POLL,
                delete_jobs="always",
                shutdown_graceful_timeout=0,
                install_signal_handlers=False,
                update_heartbeat_interval=self._lease / 5,
                stalled_worker_timeout=self._lease,
            )
        finally:
            tidying.cancel()

    async def _hand_over(self, **arguments: Any) -> None:
        """The one task. When it is cancelled, the steps go on."""
        ticket = self._accept()
        with suppress(asyncio.CancelledError):
            await asyncio.wrap_future(ticket.over)

    async def _tidy(self, app: App) -> None:
        """Procrastinate leaves the jobs of dead workers where they are."""
        jobs = app.job_manager
        while True:
            await asyncio.sleep(self._lease)
            with suppress(ConnectorException):  # another node was quicker, or the database is away: next time
                for job in await jobs.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=self._lease):
                    assert job.id is not None
                    await jobs.finish_job_by_id_async(job.id, Status.FAILED, delete_job=True)


def _quiet(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody waits for: the end of a job that was removed meanwhile, or that the database did not hear of."""
    log.debug("jobs.unheard", says=f"{context.get('message')}: {context.get('exception')!r}")
