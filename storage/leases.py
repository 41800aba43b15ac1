"""Which worker runs what, until when, and which requests nobody moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, literal, select, tuple_, update

from engine.states import MOVING, RequestStatus, StepStatus
from engine.stored import Wait, Waking
from storage.claims import LEFT_ALONE
from storage.database import now
from storage.operations import Direct
from storage.repository import Repository
from storage.tables import DUE, DUE_ALONE, RUNNING, STUCK, WAKING, is_one_of, requests, steps, workers

NOBODY = "nobody"  # a worker's name that no boot has
Running = tuple[int, str, int]  # request, node, attempt
_PAGE = 500


class Leases(Repository):
    """Leases, presence, and the questions of the sweep. Times come from the database's clock."""

    def renew(self, worker: str, lease: float) -> int:
        """Renew the leases of all that ``worker`` runs, for ``lease`` seconds. Returns how many. No rule reads them.

        A step that somebody is just changing has its turn at the next beat: who waits here, for one step after another,
        would hold what others wait for."""

        def run(connection: Connection, moment: float) -> int:
            key = (steps.c.request_id, steps.c.node)
            mine = select(*key).where(RUNNING, steps.c.worker == worker).with_for_update(skip_locked=True).subquery()
            these = (steps.c.request_id == mine.c.request_id, steps.c.node == mine.c.node)
            return connection.execute(update(steps).where(*these).values(lease_until=moment + lease)).rowcount

        return self._writer.write(run, beside=True)

    def disown(self, request_id: int, node: str, attempt: int) -> None:
        """Let nobody hold this attempt any more, so that it is lost for all; without waiting."""
        key = (steps.c.request_id == request_id, steps.c.node == node, steps.c.attempt == attempt)

        def run(connection: Connection, moment: float) -> None:
            connection.execute(update(steps).where(RUNNING, *key).values(worker=NOBODY, lease_until=0.0))

        self._writer.ask_soon(Direct, run)

    def expired(self, until: float = inf) -> list[Running]:
        """Running steps whose lease ran out. See the port."""
        with self._database.reading() as connection:
            moment = now(connection)
            return _listed(connection, _running().where(steps.c.lease_until < moment)) if moment <= until else []

    def orphaned(self, living: str) -> list[Running]:
        """What every other worker than ``living`` has running."""
        with self._database.reading() as connection:
            return _listed(connection, _running().where(steps.c.worker != living))

    def running(self, worker: str) -> list[Running]:
        """What ``worker`` has running."""
        with self._database.reading() as connection:
            return _listed(connection, _running().where(steps.c.worker == worker))

    def waking(self, rest: Wait | None = None) -> Waking:
        """Waiting steps whose time is over. The longest over, so many that their ends fit in a few commits; the others
        come at the next look, behind ``rest``, lest those that cannot be ended hold them up."""
        place = (steps.c.wakes_at, steps.c.request_id, steps.c.node)  # many may wait for the same moment
        with self._database.reading() as connection:
            over = select(*place, steps.c.attempt).where(WAKING, steps.c.wakes_at <= now(connection))
            if rest is not None:
                over = over.where(tuple_(*place) > tuple_(*map(literal, rest)))
            found = connection.execute(over.order_by(*place).limit(_PAGE)).all()
        last = Wait(*found[-1][:3]) if len(found) == _PAGE else None
        return Waking(sorted((request_id, node, attempt) for _, request_id, node, attempt in found), last)

    def stuck(self, thorough: bool = False) -> list[int]:
        """Requests in progress with no step ready, running or waiting, by what each change left with the request.

        ``thorough`` trusts nothing but the steps, and reads those of every request in progress.
        """
        with self._database.reading() as connection:
            if thorough:
                return list(_standing_still(connection))
            return list(connection.scalars(select(requests.c.id).where(STUCK).order_by(requests.c.id)))

    def next_due(self) -> float | None:
        """Seconds until the earliest step is due or its wait is over (0 when one is already); None without one."""
        with self._database.reading() as connection:
            first = [connection.scalar(select(func.min(steps.c.due_at)).where(due)) for due in (DUE, DUE_ALONE)]
            first.append(connection.scalar(select(func.min(steps.c.wakes_at)).where(WAKING)))
            moment = now(connection)
        return min((max(0.0, due - moment) for due in first if due is not None), default=None)

    def bring_forward(self) -> int:
        """A ready step is due, whatever the clock says. It may have been set back: what became ready before that would
        wait until it is as late again. Returns how many had to be brought to the present.

        Those that a worker could not read, and has put off, stay where they are."""
        ready = is_one_of(steps.c.status, StepStatus.READY)

        def ahead(due: ColumnElement[bool], moment: float) -> ColumnElement[bool]:
            return due & ready & (steps.c.due_at > moment + LEFT_ALONE)

        def run(connection: Connection, moment: float) -> int:
            found = [update(steps).where(ahead(due, moment)).values(due_at=moment) for due in (DUE, DUE_ALONE)]
            return sum(connection.execute(one).rowcount for one in found)

        with self._database.reading() as connection:
            moment = now(connection)
            found = [select(steps.c.node).where(ahead(due, moment)).limit(1) for due in (DUE, DUE_ALONE)]
            if not any(connection.scalar(one) for one in found):
                return 0
        return self._writer.write(run)

    def present(self, worker: str, lease: float, process: str | None = None) -> float:
        """See the port."""

        def run(connection: Connection, moment: float) -> float:
            mine = workers.c.name == worker
            if lease <= 0:
                connection.execute(delete(workers).where(mine))
            elif not connection.execute(update(workers).where(mine).values(present_until=moment + lease)).rowcount:
                row = {"name": worker, "present_until": moment + lease, "started_at": moment, "process": process}
                connection.execute(insert(workers).values(row))
            return moment

        return self._writer.write(run, beside=True)

    def processes(self) -> list[tuple[str, str]]:
        """See the port."""
        with self._database.reading() as connection:
            told = select(workers.c.name, workers.c.process).where(workers.c.process.is_not(None))
            return [(name, process) for name, process in connection.execute(told.order_by(workers.c.name))]

    def workers_alive(self) -> int:
        """Engines that renewed their presence lately."""
        with self._database.reading() as connection:
            alive = select(func.count()).where(workers.c.present_until > now(connection))
            return connection.scalar(alive.select_from(workers)) or 0


def by_pages(connection: Connection, status: RequestStatus) -> Iterator[Sequence[int]]:
    """The requests in this status, so that their steps are found by their keys, however many requests there are."""
    wanted = select(requests.c.id).where(is_one_of(requests.c.status, status)).order_by(requests.c.id).limit(_PAGE)
    after = 0
    while page := connection.scalars(wanted.where(requests.c.id > after)).all():
        yield page
        after = page[-1]


def _standing_still(connection: Connection) -> Iterator[int]:
    for page in by_pages(connection, RequestStatus.IN_PROGRESS):
        moving = select(steps.c.request_id).where(
            steps.c.request_id.in_(page), is_one_of(steps.c.status, *sorted(MOVING))
        )
        yield from sorted(set(page) - set(connection.scalars(moving)))


def _running() -> Select[*tuple[Any, ...]]:
    return select(steps.c.request_id, steps.c.node, steps.c.attempt).where(RUNNING)


def _listed(connection: Connection, query: Select[*tuple[Any, ...]]) -> list[Running]:
    """In the order of their keys. Asked for it, SQLite would read all steps in that order, to find the few."""
    return sorted((request_id, node, attempt) for request_id, node, attempt in connection.execute(query))
