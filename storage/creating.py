"""New requests: those of one batch are stored together, and a submit key makes only one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from engine.errors import Superseded
from engine.graph import Graph
from engine.records import NewRequest
from engine.rules.decide.submit import begin
from storage import rows
from storage.operations import Create
from storage.request_cache import Held
from storage.statements import Statements
from storage.tallies import Tally

Made = tuple[int, bool]  # the request's id, and whether an earlier submit had made it
Identity = tuple[str, str] | Create  # of a submit: its workflow and key, or itself


class Submits:
    """The submits of one transaction. Asks as it is made what was made before (storage.driver.together)."""

    def __init__(self, connection: Connection, statements: Statements, creates: Sequence[Create]) -> None:
        self._connection, self._statements, self._creates = connection, statements, creates
        self._made = self._ask_for_made()
        self._newest = {
            workflow: statements.newest_version.ask(connection, name=workflow)
            for workflow in sorted({create.new.workflow for create in creates})
        }
        self.held: list[Held] = []
        self._requests: list[rows.Row] = []
        self._of_graph: dict[Graph, list[int]] = {}
        self._events: list[rows.Row] = []

    def _ask_for_made(self) -> dict[str, Any]:
        """By workflow: SQLite finds pairs of workflow and key by no index."""
        keys: dict[str, list[str]] = {}
        for workflow, key in filter(None, (_key(create.new) for create in self._creates)):
            keys.setdefault(workflow, []).append(key)
        ask, listed = self._statements.submitted.ask, self._statements.listed
        return {workflow: ask(self._connection, workflow=workflow, keys=listed(of)) for workflow, of in keys.items()}

    def answer(self, now: float, tally: Tally) -> list[Made | Superseded]:
        """In the order of the submits. The new requests are ``held``; ``write`` stores them."""
        made: dict[Identity, int] = {
            (workflow, key): request_id for workflow, of in self._made.items() for key, request_id in of.fetchall()
        }
        newest = {workflow: of.fetchall()[0][0] or 0 for workflow, of in self._newest.items()}
        fresh: dict[Identity, Create] = {}
        for create in self._creates:
            identity = _identity(create)
            if identity not in made and newest[create.new.workflow] <= create.new.workflow_version:
                fresh.setdefault(identity, create)
        self._begin(list(fresh.values()), now, tally)
        ids = {identity: held.request.id for identity, held in zip(fresh, self.held, strict=True)}

        def answer(create: Create) -> Made | Superseded:
            identity = _identity(create)
            if identity in made:
                return made[identity], True
            if identity in ids:
                return ids[identity], fresh[identity] is not create
            return Superseded(create.new.workflow, newest[create.new.workflow])

        return list(map(answer, self._creates))

    def _begin(self, fresh: Sequence[Create], now: float, tally: Tally) -> None:
        ids = self._statements.new_request_ids(self._connection, len(fresh)) if fresh else ()
        for request_id, create in zip(ids, fresh, strict=True):
            new = create.new
            request, its_steps = begin(request_id, new, create.graph, now)
            tally.came(request)
            self.held.append(Held(request, {step.node: step for step in its_steps}))
            row = (*rows.request_row(request), rows.clean(new.title), new.input, rows.clean(new.key), False)
            self._requests.append(row)
            self._of_graph.setdefault(create.graph, []).append(request_id)
            self._events.append(rows.event_row(create.submitted._replace(request_id=request_id, at=now)))

    def write(self, now: float) -> None:
        """Each with a row for each node, the start due at once."""
        connection, statements = self._connection, self._statements
        statements.insert_requests.run(connection, self._requests)
        for graph, its_requests in self._of_graph.items():
            statements.begin_steps(connection, its_requests, graph, now)
        statements.insert_events.run(connection, self._events)


def _identity(create: Create) -> Identity:
    """Submits of the same are the same request."""
    return _key(create.new) or create


def _key(new: NewRequest) -> tuple[str, str] | None:
    """A key counts within its workflow: two systems that submit to different ones may both count from 1."""
    return None if new.key is None else (new.workflow, rows.clean(new.key) or "")
