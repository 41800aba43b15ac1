"""New requests: those of one batch are stored together, and a submit key makes only one of them."""

from __future__ import annotations

from collections.abc import Sequence

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


def create(
    connection: Connection, statements: Statements, creates: Sequence[Create], now: float, tally: Tally
) -> tuple[list[Made | Superseded], list[Held]]:
    """Store requests with a row for each node, the start due at once. Answers in the order of ``creates``, and what
    was stored."""
    news = [create.new for create in creates]
    made, newest = _made(connection, statements, news), _newest(connection, statements, news)
    fresh: dict[Identity, Create] = {}
    for create in creates:
        identity = _identity(create)
        if identity not in made and newest[create.new.workflow] <= create.new.workflow_version:
            fresh.setdefault(identity, create)
    stored = _store(connection, statements, list(fresh.values()), now, tally)
    ids = {identity: held.request.id for identity, held in zip(fresh, stored, strict=True)}

    def answer(create: Create) -> Made | Superseded:
        identity = _identity(create)
        if identity in made:
            return made[identity], True
        if identity in ids:
            return ids[identity], fresh[identity] is not create
        return Superseded(create.new.workflow, newest[create.new.workflow])

    return list(map(answer, creates)), stored


def _identity(create: Create) -> Identity:
    """Submits of the same are the same request."""
    return _key(create.new) or create


def _key(new: NewRequest) -> tuple[str, str] | None:
    """A key counts within its workflow: two systems that submit to different ones may both count from 1."""
    return None if new.key is None else (new.workflow, rows.clean(new.key) or "")


def _made(connection: Connection, statements: Statements, news: Sequence[NewRequest]) -> dict[Identity, int]:
    """What earlier submits have made. By workflow: SQLite finds pairs of workflow and key by no index."""
    keys: dict[str, list[str]] = {}
    for workflow, key in filter(None, map(_key, news)):
        keys.setdefault(workflow, []).append(key)
    made: dict[Identity, int] = {}
    for workflow, wanted in keys.items():
        for key, request_id in statements.submitted.run(connection, workflow=workflow, keys=statements.listed(wanted)):
            made[workflow, key] = request_id
    return made


def _newest(connection: Connection, statements: Statements, news: Sequence[NewRequest]) -> dict[str, int]:
    """The newest version of each workflow: another process may have published one since the submit was checked."""
    newest = {}
    for workflow in sorted({new.workflow for new in news}):
        ((version,),) = statements.newest_version.run(connection, name=workflow)
        newest[workflow] = version or 0
    return newest


def _store(
    connection: Connection, statements: Statements, fresh: Sequence[Create], now: float, tally: Tally
) -> list[Held]:
    if not fresh:
        return []
    ids = statements.new_request_ids(connection, len(fresh))
    requests_: list[rows.Row] = []
    of_graph: dict[Graph, list[int]] = {}
    events: list[rows.Row] = []
    stored = []
    for request_id, create in zip(ids, fresh, strict=True):
        new = create.new
        request, its_steps = begin(request_id, new, create.graph, now)
        tally.came(request)
        stored.append(Held(request, {step.node: step for step in its_steps}))
        requests_.append((*rows.request_row(request), rows.clean(new.title), new.input, rows.clean(new.key), False))
        of_graph.setdefault(create.graph, []).append(request_id)
        events.append(rows.event_row(create.submitted._replace(request_id=request_id, at=now)))
    statements.insert_requests.run(connection, requests_)
    for graph, its_requests in of_graph.items():
        statements.begin_steps(connection, its_requests, graph, now)
    statements.insert_events.run(connection, events)
    return stored
