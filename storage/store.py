"""The engine's store (engine.ports.store.Store) on SQLAlchemy."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from sqlalchemy import Connection

from engine.graph import Graph
from engine.ports.store import Claimer
from engine.records import Event, NewRequest
from engine.rules.draft import Draft
from engine.values.storable import storable
from storage.api_keys import ApiKeys
from storage.batch import Graphs, Told
from storage.database import Database
from storage.grants import Grants
from storage.histories import Histories
from storage.inputs import Inputs, Submitted
from storage.jobs import Jobs
from storage.leases import Leases
from storage.looking import LookingStore
from storage.measures import Measuring
from storage.mending import Mending
from storage.operations import Change, Create
from storage.reading import Reading
from storage.standing_still import StandingStill
from storage.workflows import Workflows
from storage.writer import Writer

T = TypeVar("T")


class SqlStore(Reading, LookingStore, Measuring, Histories, Leases, Mending, Workflows, Grants, ApiKeys, StandingStill):
    """``graphs`` gives the graph of a workflow version, and ``told`` whether an application has a Slack channel; the
    writer's thread asks them, so they answer from memory. ``on_told`` is called after commits that wrote to the outbox.
    ``jobs``: how due steps are brought to the workers; None where they look for them.

    Call ``close`` in the end: it writes what waits.
    """

    def __init__(
        self,
        database: Database,
        graphs: Graphs,
        told: Told,
        on_told: Callable[[], None] = lambda: None,
        jobs: Jobs | None = None,
    ) -> None:
        super().__init__(database, Writer(database, graphs, told, on_told, jobs))
        self._told = told
        self._jobs, self._inputs = jobs, Inputs()

    @property
    def database(self) -> Database:
        return self._database

    @property
    def writer(self) -> Writer:
        """The thread through which everything is written, the outbox's changes too."""
        return self._writer

    def create(self, new: NewRequest, graph: Graph, submitted: Event) -> tuple[int, bool]:
        """Store a request, its start due. (id, False), or (id of the one that the same key made before, True)."""
        request_id, known = self._writer.ask(Create, new, graph, submitted)
        if not known:  # its first step needs it at once
            self._inputs.put(request_id, Submitted(new.input, storable(new.requester)))
        return request_id, known

    def change(self, request_id: int, decide: Callable[[Draft], T], command_id: str | None = None) -> T:
        """Let ``decide`` draft changes of a request; they are committed when this returns."""
        answer: T = self._writer.ask(Change, request_id, decide, command_id)
        return answer

    def change_soon(self, request_id: int, decide: Callable[[Draft], T]) -> Future[T]:
        """As change, without waiting."""
        return self._writer.ask_soon(Change, request_id, decide)

    def change_then(
        self, request_id: int, decide: Callable[[Draft], T], then: Callable[[T | None, Exception | None], None]
    ) -> None:
        """As change, without waiting; ``then`` is told what came of it."""
        self._writer.submit(Change(then, request_id, decide, ends_step=True))

    def record(self, event: Event) -> None:
        """Store an audit event that changes nothing. Its time is the commit's."""

        def run(connection: Connection, now: float) -> None:
            self._audit(connection, event, now)

        self._writer.write(run)

    def attach(self, claimer: Claimer) -> None:
        """From now on claim due steps for this worker after each commit and at each nudge."""
        self._writer.attach(claimer)

    def detach(self) -> None:
        """Claim nothing more. Returns when no claim is under way."""
        self._writer.detach()

    def nudge(self) -> None:
        """Look for due steps now."""
        self._writer.nudge()

    def requeue(self) -> int:
        """Make a job for each step that is due and waits in none."""
        return self._writer.write(self._jobs.put_missing, beside=True) if self._jobs else 0

    def close(self) -> None:
        """Write what waits, then stop writing. Reading goes on until the database is closed."""
        self._writer.close()
