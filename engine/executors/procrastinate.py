"""The executor for many machines: Procrastinate's jobs bring the steps, from the same PostgreSQL (SPEC 9).

A job says "this request has something due". Whoever is given it claims a due step of that request as any worker does,
by a guarded update, runs it, and goes on with what the step has made due in the commit that stores its outcome. The
rows of the steps are the truth: a job for which nothing is due simply ends. Needs the extra ``distributed``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.decide.finish import Finished
from engine.executors.apscheduler import ApschedulerExecutor
from engine.executors.intake import Intake
from engine.executors.port import Execute, Finish
from engine.executors.tickets import Ticket, Tickets
from engine.records import Claim
from engine.store import Claimer


class ProcrastinateExecutor:
    """Steps run in the threads of an embedded executor, which does the regular jobs, too: every node sweeps.

    ``conninfo``: the database, as libpq knows it. ``lease``: seconds without a sign of life after which the others take
    a node's jobs for lost. ``nudge`` has the writer look at what a job asks for.
    """

    def __init__(
        self, execute: Execute, finish: Finish, slots: int, *, conninfo: str, lease: float, nudge: Callable[[], None]
    ) -> None:
        self._execute, self._nudge = execute, nudge
        self._tickets = Tickets()
        self._threads = ApschedulerExecutor(self._run, finish, slots)
        self._intake = Intake(conninfo, lease, slots, self._come)
        self.busy, self.hanging, self.give_up = self._threads.busy, self._threads.hanging, self._threads.give_up
        self.every, self.at = self._threads.every, self._threads.at

    def start(self) -> None:
        """Begin to run what is handed over; jobs are taken from then on, and wait until claims are made."""
        self._threads.start()
        self._intake.start()

    def claimer(self, worker: str, lease: float) -> Claimer:
        """It takes what its jobs ask for."""
        return Claimer(worker, lease, self._threads.free, self.busy, self._take, self._tickets.asked)

    def settled(self, claim: Claim) -> None:
        """The outcome of this claim is stored, or will never be. Called before the claims of that commit are given."""
        self._tickets.settle(claim)

    def drain(self) -> None:
        """No more claims are made: take no more jobs."""
        self._tickets.close()
        self._intake.stop()

    def shutdown(self, patience: float = 5.0) -> bool:
        """End the regular jobs, and the work with Procrastinate; both have ``patience`` seconds. False when one of them
        hangs."""
        self._intake.stop()
        ended = self._threads.shutdown(patience)
        return self._intake.join(patience) and ended

    def _come(self, request_id: int) -> Ticket:
        ticket = self._tickets.come(request_id)
        self._nudge()
        return ticket

    def _take(self, claims: Sequence[Claim], looked: Sequence[int]) -> None:
        self._tickets.take(claims, looked)
        self._threads.take(claims)

    def _run(self, claim: Claim) -> Finished | None:
        done = self._execute(claim)
        if done is None:
            self._tickets.drop(claim)
        return done
