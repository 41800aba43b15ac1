"""The executor for many machines: Procrastinate's jobs bring the steps, from the same PostgreSQL (SPEC 9).

A job says "this request has something due", and opens a slot. The slot claims what has been due for longest as any
worker does, by a guarded update, runs it, goes on with what that step has made due in the commit that stores its
outcome, and then with whatever else is due; what it claims needs no job any more. The rows of the steps are the
truth: a slot for which nothing is due simply ends. Needs the extra ``distributed``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from engine.executors.apscheduler import ApschedulerExecutor
from engine.executors.intake import Intake
from engine.executors.port import Execute, Finish
from engine.executors.tickets import LINGER, Ticket, Tickets
from engine.ports.store import Claimer
from engine.records import Claim
from engine.rules.decide.finish import Finished

_LEAVE = 1.0  # seconds


class ProcrastinateExecutor:
    """Steps run in the threads of an embedded executor, which does the regular jobs, too: every node sweeps.

    ``conninfo``: the database, as libpq knows it. ``lease``: seconds without a sign of life after which the others take
    a node's jobs for lost. ``nudge`` has the writer look at what is due.
    """

    def __init__(
        self, execute: Execute, finish: Finish, slots: int, *, conninfo: str, lease: float, nudge: Callable[[], None]
    ) -> None:
        self._execute, self._nudge = execute, nudge
        self._tickets = Tickets(time.monotonic)
        self._threads = ApschedulerExecutor(self._run, finish, slots)
        self._intake = Intake(conninfo, lease, slots, self._come, self._absorb)
        self.busy, self.hanging, self.give_up = self._threads.busy, self._threads.hanging, self._threads.give_up
        self.every, self.at = self._threads.every, self._threads.at

    def start(self) -> None:
        """Begin to run what is handed over; jobs are taken from then on, and wait until claims are made."""
        self._threads.start()
        self._intake.start()

    def claimer(self, worker: str, lease: float) -> Claimer:
        """It takes what there are open slots for."""
        return Claimer(worker, lease, self._threads.free, self.busy, self._take, self._tickets.waiting)

    def settled(self, claim: Claim) -> None:
        """The outcome of this claim is stored, or will never be. Called before the claims of that commit are given."""
        self._tickets.settle(claim)

    def drain(self) -> None:
        """No more claims are made: take no more jobs."""
        self._tickets.close()
        self._intake.stop()

    def shutdown(self, patience: float = 5.0) -> bool:
        """End the regular jobs, which have ``patience`` seconds: False when one of them hangs. Procrastinate has a
        moment to say that it goes; its thread keeps no process alive, and what it leaves behind others remove."""
        self._intake.stop()
        ended = self._threads.shutdown(patience)
        self._intake.join(_LEAVE)
        return ended

    def _come(self) -> Ticket:
        ticket = self._tickets.come()
        self._nudge()
        return ticket

    def _absorb(self) -> bool:
        """A slot is open, so the new job need not be fetched: what it is for is due, and the slot takes it."""
        if not self._tickets.waiting():
            return False
        self._nudge()
        return True

    def _take(self, claims: Sequence[Claim], looked: int) -> None:
        if self._tickets.take(claims, looked):
            self._intake.later(LINGER, self._nudge)
        self._threads.take(claims)

    def _run(self, claim: Claim) -> Finished | None:
        done = self._execute(claim)
        if done is None:
            self._tickets.drop(claim)
        return done
