"""The claim pass, last in each transaction: due steps go to this process's worker, never more than it can start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, update

from engine.limits import ALONE_FROM_RECOVERY
from engine.logs import logger
from engine.ports.store import Claimer
from engine.records import Claim
from engine.rules.decide.claim import claim
from storage import rows
from storage.batch import Batch, Ready
from storage.guards import StepUpdates, guarded
from storage.statements import Statements
from storage.tables import steps

log = logger(__name__)

LEFT_ALONE = 10.0  # seconds, of a due step that cannot be read
_SHARE = 4  # then one free slot of so many, and at least one, takes what has waited longest


class Looks(NamedTuple):
    """What is due as a transaction begins. ``alone``: a step that runs alone; ``late``: one that has waited long."""

    alone: bool
    late: bool


class Asked(NamedTuple):
    """What was asked for, to be claimed when it is answered. ``own``: what this worker has running, where that must be
    nothing. ``looked``: see Claimer.take."""

    due: Any
    own: Any = None
    looked: int = 0


class Taken(NamedTuple):
    """What a look at the due steps came to. ``looked``: see Claimer.take."""

    claims: list[Claim]
    looked: int = 0


class Claims:
    """Remembers whether the worker runs a step that must be alone (SPEC 3.2)."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._alone = False
        self._draining = False

    def go_on(self, batch: Batch, claimer: Claimer, looks: Looks) -> list[Claim]:
        """Claim what ``batch`` makes due, which then is written once, as running: requests that were begun are brought
        to their ends before others begin. While one must run alone, nothing is."""
        if looks.alone or (self._alone and claimer.running() > 0):
            return []
        return batch.go_on(claimer, self._startable(batch, claimer, looks))

    @staticmethod
    def _startable(batch: Batch, claimer: Claimer, looks: Looks) -> Sequence[Ready]:
        """Of what became ready as much as there are slots for. Where jobs open the slots, that is what the slot's own
        request goes on with. Elsewhere any: but while another step has waited for long, some slots are left to such."""
        if claimer.waiting is not None:
            return [ready for ready in batch.ready if ready.slot]
        free = claimer.free()
        if looks.late:
            free -= max(1, free // _SHARE)
        return batch.ready[: max(free, 0)]

    def ask(self, connection: Connection, claimer: Claimer, now: float, looks: Looks, ended: int, taken: int) -> Asked:
        """Ask for what is due, beside the ``taken`` steps with which slots go on, of the ``ended`` ones.

        A step that runs alone goes first: while one is due the worker drains, then takes only it. Drained means that
        its outcomes are stored, too: those still on their way would die with it. On PostgreSQL, steps that another
        worker is just claiming are passed over.
        """
        free, running = claimer.free() - taken, claimer.running()
        if free <= 0 or (self._alone and running > 0):
            return Asked(None)
        if looks.alone:
            if running > 0:
                self._say_draining(running)
                return Asked(None)
            own = self._statements.running_by.ask(connection, worker=claimer.worker)
            return Asked(self._statements.claimable_alone.ask(connection, now=now, free=1), own)
        looked = 0
        if claimer.waiting is not None:
            left = min(ended - taken, free)
            looked = min(claimer.waiting(), free - left)
            free = left + looked
        return Asked(self._statements.claimable.ask(connection, now=now, free=free) if free else None, looked=looked)

    def take(self, connection: Connection, asked: Asked, claimer: Claimer, now: float) -> Taken:
        """Claim what was ``asked`` for."""
        if asked.own is not None and asked.own.fetchall():
            self._say_draining(claimer.running())
            return Taken([])
        if asked.own is not None:
            self._draining = False
        due = asked.due.fetchall() if asked.due is not None else []
        return Taken(self._write(connection, due, claimer, now) if due else [], asked.looked)

    def kept(self, connection: Connection, claims: list[Claim]) -> list[Claim]:
        """Those of ``claims`` that were stored, and that nobody has taken away since."""
        worker = claims[0].step.worker
        rows = self._statements.running_by.run(connection, worker=worker)
        running = {tuple(row) for row in rows}
        return [it for it in claims if (it.step.request_id, it.step.node, it.step.attempt) in running]

    def committed(self, claims: list[Claim]) -> None:
        """The claims of a pass are the worker's now."""
        if claims:
            self._alone = claims[0].step.recoveries >= ALONE_FROM_RECOVERY

    def _say_draining(self, running: int) -> None:
        """Once: who wonders why nothing starts finds it in the log."""
        if not self._draining:
            says = "A step whose workers died is due again and runs alone: nothing else starts until all have ended."
            log.warning("worker.drains", says=says, running=running)
        self._draining = True

    def _write(self, connection: Connection, found: Sequence[rows.Row], claimer: Claimer, now: float) -> list[Claim]:
        claims, updates = [], StepUpdates()
        for *row, version, workflow, created_at in found:
            try:
                due = rows.step_from(row)
            except Exception as error:  # a newer Retrigger beside this one has written it, or a hand
                _put_off(connection, row, now, error)
                continue
            step, attempt = claim(due, version, claimer.worker, now, claimer.lease)
            claims.append(Claim(step, attempt, workflow, created_at))
            updates.add(due, step)
        with guarded(connection) as guards:
            updates.run(connection, self._statements, guards)
            attempts = [rows.attempt_row(claim.attempt) for claim in claims]
            self._statements.insert_attempts.run(connection, attempts)
        return claims


def _put_off(connection: Connection, row: rows.Row, now: float, error: Exception) -> None:
    """What this worker cannot read must not stand before what it can. Only the time is written, and no new version:
    whoever can read the step is free to take it."""
    request_id, node, *_ = row
    mine = (steps.c.request_id == request_id, steps.c.node == node)
    connection.execute(update(steps).where(*mine).values(due_at=now + LEFT_ALONE))
    says = f"The step cannot be read by this Retrigger ({error!r}), and is left alone for {LEFT_ALONE:.0f} s."
    log.error("step.unreadable", says=says, request=f"REQ-{request_id}", step=node)
