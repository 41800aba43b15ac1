"""One engine in one process: claims due steps, keeps its leases, recovers what dead workers left, stops cleanly."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from threading import Lock

from engine.errors import StorageError, UnreadableVersion
from engine.executors.apscheduler import ApschedulerExecutor
from engine.executors.port import NewExecutor
from engine.logs import logger
from engine.ports.store import Store
from engine.rules.decide.lost import give_back, recover, unstick
from engine.rules.decide.waits import time_is_up
from engine.rules.draft import Draft
from engine.stored import Wait
from engine.worker.heartbeat import Heartbeat
from engine.worker.process_identity import is_gone
from engine.worker.regular import Regular
from engine.worker.runner import Runner
from engine.worker.tools import AGAIN

log = logger(__name__)

_SWEEP = 0.5  # seconds between looks for steps whose worker is gone: what is left of a lease comes before it
_OVERDUE = 0.25  # seconds between looks for functions that pass their time limit
_STUCK_SWEEP = 30.0
_THOROUGH_SWEEP = 3600.0  # it reads the steps of every request in progress
_SOON = 0.05
_BEHIND = 0.25  # seconds between looks while what is due waits for free slots
_POLL = 0.01
_LEFT_ALONE = 60.0  # seconds, of a request whose rules raise errors
_UNWIND = 2.0  # seconds that threads have to notice that their function's process was ended


class Worker:
    """``name`` is unique to this boot. ``exclusive``: no other engine runs on this database (SQLite), so whatever
    another name left running is lost, whatever its lease says; a running row of this boot is left alone. Elsewhere
    leases decide, and only for an engine that has had the database for as long as a lease itself; but an engine whose
    ``process`` (see process_identity) has surely ended is dead at once."""

    def __init__(
        self,
        store: Store,
        runner: Runner,
        *,
        name: str,
        lease: float,
        slots: int = 32,
        exclusive: bool,
        process: str | None = None,
        executor: NewExecutor = ApschedulerExecutor,
    ) -> None:
        self._store = store
        self._name = name
        self._lease = lease
        self._heartbeat = Heartbeat(store, name, lease, process)
        self._exclusive = exclusive
        self._runner = runner
        self._waking: Wait | None = None  # where the next look at waits goes on
        self._looking = Lock()  # the timer and the sweep would end the same waits, and tell the same twice
        self._bad: dict[int, float] = {}  # requests → when they are tried again
        self._executor = executor(runner.execute, runner.finish, slots)
        self._regular = partial(Regular, runner.tools.outage)
        runner.on_later, runner.on_settled = self._arm_soon, self._executor.settled

    def also(self, seconds: float, job: Callable[[], None], name: str) -> None:
        """While it runs, call ``job`` every so many seconds."""
        self._executor.every(seconds, self._regular(job), name)

    def start(self) -> int:
        """Recover what an older boot left running, then run steps. Returns how many were recovered."""
        self._heartbeat.beat()
        recovered = self._recover_lost()
        self._executor.start()
        self._store.attach(self._executor.claimer(self._name, self._lease))
        self._executor.every(self._lease / 5, self._regular(self._heartbeat.beat), "heartbeat")
        self._executor.every(_OVERDUE, self._give_up_overdue, "overdue")
        self._executor.every(AGAIN, self._runner.finish_refused, "refused")
        # What is due is looked for, too: another engine may have begun a wait, and be gone, and a timer whose look the
        # database refused is not set again.
        sweep = self._regular(self._recover_lost, self._store.bring_forward, self._store.requeue, self._due)
        self._executor.every(_SWEEP, sweep, "sweep")
        self._executor.every(_STUCK_SWEEP, self._regular(self._unstick), "stuck")
        # What somebody has done to the tables by hand would have it stand still for ever.
        thorough = self._regular(self._store.mend, partial(self._unstick, thorough=True))
        self._executor.every(_THOROUGH_SWEEP, thorough, "thorough")
        self._arm_soon()
        return recovered

    def drain(self) -> None:
        """Take nothing more; what runs goes on. Raises StorageError; then nothing more is taken, either."""
        self._store.detach()
        self._executor.drain()

    def stop(self, grace: float = 10.0) -> bool:
        """Take nothing more, wait up to ``grace`` seconds for what runs, and give back the rest, uncounted.

        Returns False when a thread still runs, so that the process can only be ended by force.
        """
        try:
            self._end_steps(time.monotonic() + grace)
        except StorageError as error:
            log.error("worker.left", says=f"{error} What ran here is recovered when its lease runs out.")
        self._end_processes()
        ended = self._executor.shutdown()
        self._runner.leave_refused()
        self._regular(self._heartbeat.end)()
        return ended and not (self._executor.busy() or self._executor.hanging())

    def _end_steps(self, end: float) -> None:
        """A step has ended when its outcome is stored: giving it back before that would have it run once more."""
        self.drain()
        while time.monotonic() < end and (self._executor.busy() or self._store.running(self._name)):
            time.sleep(_POLL)
        self._each(self._store.running(self._name), give_back)

    def _end_processes(self) -> None:
        """Only now: the steps of the functions that this cuts short were given back, so they have not failed."""
        cut_short = self._runner.tools.processes.stop()
        end = time.monotonic() + _UNWIND
        while cut_short and self._executor.busy() and time.monotonic() < end:
            time.sleep(_POLL)

    def _recover_lost(self) -> int:
        gone = [name for name, process in self._store.processes() if is_gone(process)]
        lost = {step for name in gone for step in self._store.running(name)}
        if self._exclusive:
            lost.update(self._store.orphaned(self._name))
        elif (until := self._heartbeat.sure_until) is not None:
            lost.update(self._store.expired(until))
        self._each(sorted(lost), lambda draft, node, attempt: recover(draft, node, attempt, random.random()))
        for name in gone:
            self._store.present(name, 0)
        return len(lost)

    def _give_up_overdue(self) -> None:
        for claim, error in self._runner.tools.deadlines.overdue():
            if self._executor.give_up(claim):
                self._runner.give_up(claim, error)

    def _unstick(self, thorough: bool = False) -> None:
        stuck = [(request_id, "", 0) for request_id in self._store.stuck(thorough)]
        self._each(stuck, lambda draft, node, attempt: unstick(draft))

    def _each(self, steps: Iterable[tuple[int, str, int]], decide: Callable[[Draft, str, int], bool]) -> None:
        """Together, so that many share a commit. One bad request must never stop the recovery of the others: any
        error is logged, as what damaged rows raise is no RetriggerError, and the request is left alone for a minute."""
        now, change = time.monotonic(), self._store.change_soon
        fit = [step for step in steps if self._bad.get(step[0], now) <= now]
        asked = [(step[0], change(step[0], _of(decide, step))) for step in fit]
        for request_id, future in asked:
            try:
                future.result()
            except Exception as error:
                says = f"It could not be recovered now, and is tried again: {error!r}"
                log.error("request.unrecovered", says=says, request=f"REQ-{request_id}")
                self._leave_alone(request_id, error, now)
            else:
                self._bad.pop(request_id, None)

    def _leave_alone(self, request_id: int, error: Exception, now: float) -> None:
        """For a minute. Where the request's version could not be read the time before either, no newer engine beside
        this one has gone on with it: then it stands still, and that is told."""
        if isinstance(error, StorageError):
            return
        again = request_id in self._bad
        self._bad[request_id] = now + _LEFT_ALONE
        if again and isinstance(error, UnreadableVersion):
            self._store.tell_standing_still(request_id, error)

    def _arm(self) -> None:
        """Set the one timer to the earliest due time. What is due already waits for a free slot, not for a timer."""
        delay = self._store.next_due()
        if delay is not None:
            self._executor.at(max(delay, _SOON) if delay else _BEHIND, self._regular(self._due))

    def _arm_soon(self) -> None:
        """A wait may have begun. Where the database does not say when it is over, the next sweep asks."""
        with suppress(StorageError):
            self._arm()

    def _due(self) -> None:
        self._store.nudge()
        with self._looking:
            found = self._store.waking(self._waking)
            self._waking = found.rest
            self._each(found.steps, time_is_up)
        self._arm()


def _of(decide: Callable[[Draft, str, int], bool], step: tuple[int, str, int]) -> Callable[[Draft], bool]:
    """The rule for this step."""
    return lambda draft: decide(draft, step[1], step[2])
