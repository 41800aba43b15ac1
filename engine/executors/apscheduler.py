"""The embedded executor: APScheduler 3 runs the claimed steps and the engine's own regular jobs.

Its job store is memory only: due times live in our tables, so a job that is lost with the process costs nothing.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from engine.executors.port import Execute, Finish
from engine.ports.store import Claimer
from engine.records import Claim

_LINGER = 10.0  # seconds that a run job waits for more steps before it ends; a job costs more than a step
_SPARE_THREADS = 1000  # made only when needed: a thread that is given up is replaced
_DUE = "due"
_POLL = 0.01
_LOOK = 1.0  # seconds between looks at the machine's clock, and for steps that have no thread
_SET = 1.0  # seconds that it goes apart from the time that passes, from one look to the next, when somebody sets it


class ApschedulerExecutor:
    """Runs at most ``slots`` steps at once: ``execute`` gives the outcome, ``finish`` has it written.

    The slot is free before the outcome is handed over, so that the commit that writes it can claim the next step.
    """

    def __init__(self, execute: Execute, finish: Finish, slots: int) -> None:
        self._execute, self._finish = execute, finish
        self._slots = slots
        self._queue: queue.SimpleQueue[Claim | None] = queue.SimpleQueue()
        self._lock = Lock()
        self._busy = 0  # claims taken and not yet run to their end
        self._runners = 0
        self._executing: set[int] = set()  # claims, by object
        self._taken = 0  # claims that a thread has taken so far
        self._hanging = 0
        self._regular = 0  # regular jobs that are under way
        self._ended = False
        self._over = Event()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"steps": ThreadPoolExecutor(slots + _SPARE_THREADS), "default": ThreadPoolExecutor(4)},
            # With APScheduler's default grace of 1 s, jobs are silently dropped under load.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def start(self) -> None:
        """Begin to run what is handed over."""
        self._scheduler.start()
        Thread(target=self._watch, name="watch", daemon=True).start()

    def claimer(self, worker: str, lease: float) -> Claimer:
        """It takes whatever is due."""
        return Claimer(worker, lease, self.free, self.busy, self.take)

    def settled(self, claim: Claim) -> None:
        """Its slot was free before."""

    def drain(self) -> None:
        """Nobody else has to know."""

    def shutdown(self, patience: float = 5.0) -> bool:
        """End the regular jobs; one that is under way has ``patience`` seconds, as the database is closed next. Steps
        that are running are not waited for. False when a regular job hangs."""
        with self._lock:
            self._ended = True
        self._over.set()
        if self._scheduler.running:
            self._scheduler.remove_all_jobs()  # its thread dies of one that fires just as it is shut down
            self._scheduler.shutdown(wait=False)
        for _ in range(self._slots):
            self._queue.put(None)  # wakes a run job that waits for more
        end = time.monotonic() + patience
        while self._regular and time.monotonic() < end:
            time.sleep(_POLL)
        return not self._regular

    def busy(self) -> int:
        """How many claims are queued or running."""
        return self._busy

    def hanging(self) -> int:
        """How many threads are still at a step that was given up."""
        return self._hanging

    def give_up(self, claim: Claim) -> bool:
        """Count on this claim's thread no more: its slot is free. False when the thread is done with it."""
        with self._lock:
            if id(claim) not in self._executing:
                return False
            self._executing.remove(id(claim))
            self._hanging += 1
            self._busy -= 1
            self._runners -= 1
        self._staff(())
        return True

    def free(self) -> int:
        """How many more claims may be taken: never more than can run at once, or their leases would run down."""
        return self._slots - self._busy

    def take(self, claims: Sequence[Claim], looked: int = 0) -> None:
        """Run these steps."""
        if claims:
            self._staff(claims)

    def _staff(self, claims: Sequence[Claim]) -> None:
        """One job runs many steps, so APScheduler's cost for a job is not paid for each step."""
        with self._lock:
            self._busy += len(claims)
            wanted = min(self._slots, self._busy) - self._runners
            self._runners += max(wanted, 0)
            for claim in claims:  # under the lock: a run job that finds the queue empty ends under it
                self._queue.put(claim)
        for _ in range(wanted):
            self._scheduler.add_job(self._run_steps, executor="steps")

    def every(self, seconds: float, job: Callable[[], None], name: str) -> None:
        """Call ``job`` regularly."""
        self._scheduler.add_job(self._counted(job), "interval", seconds=seconds, id=name, name=name)

    def at(self, delay: float, job: Callable[[], None]) -> None:
        """Call ``job`` once after ``delay`` seconds; one such timer exists, a new one replaces it."""
        when = datetime.now(UTC) + timedelta(seconds=max(delay, 0.0))
        with self._lock:
            if not self._ended:
                self._scheduler.add_job(self._counted(job), "date", run_date=when, id=_DUE, replace_existing=True)

    def _watch(self) -> None:
        ahead, taken = time.time() - time.monotonic(), 0
        while not self._over.wait(_LOOK):
            ahead, taken = self._heed_clock(ahead), self._staff_anew(taken)

    def _heed_clock(self, before: float) -> float:
        """APScheduler waits by the machine's clock. Were that set back by an hour, there would be no heartbeat, no
        sweep and no timer for an hour; so once it was set, each job's time has come."""
        ahead = time.time() - time.monotonic()
        if abs(ahead - before) > _SET:
            for job in self._scheduler.get_jobs():
                with suppress(JobLookupError):  # it was run meanwhile, or removed
                    job.modify(next_run_time=datetime.now(UTC))
        return ahead

    def _staff_anew(self, before: int) -> int:
        """Where the machine has no thread left for a moment, APScheduler logs that, and the run job is lost: its step
        would wait, its lease renewed, until some other step comes. The new job has the lost one's place among the
        runners; where none was lost, it is one thread too many, and ends by itself."""
        with self._lock:
            taken, waits = self._taken, not (self._ended or self._queue.empty())
        if waits and taken == before:
            self._scheduler.add_job(self._run_steps, executor="steps")
        return taken

    def _counted(self, job: Callable[[], None]) -> Callable[[], None]:
        """The job, unless the end has come."""

        def run() -> None:
            with self._lock:
                if self._ended:
                    return
                self._regular += 1
            try:
                job()
            finally:
                with self._lock:
                    self._regular -= 1

        return run

    def _run_steps(self) -> None:
        while True:
            try:
                claim = self._queue.get(timeout=_LINGER)
            except queue.Empty:
                with self._lock:
                    if self._queue.empty():
                        self._runners = max(self._runners - 1, 0)
                        return
                continue
            if claim is None:
                return
            with self._lock:
                self._executing.add(id(claim))
                self._taken += 1
            done = self._execute(claim)
            given_up = self._done_with(claim)
            if done is not None:
                self._finish(claim, done)
            if given_up:  # another thread has taken this one's place
                return

    def _done_with(self, claim: Claim) -> bool:
        """Free the claim's slot. True when it was given up before."""
        with self._lock:
            given_up = id(claim) not in self._executing
            self._executing.discard(id(claim))
            self._hanging -= given_up
            self._busy -= not given_up
        return given_up
