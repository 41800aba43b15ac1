"""New requests: those of one batch are stored together, and a submit key makes only one of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from engine.decide.submit import begin
from engine.records import NewRequest
from storage import rows
from storage.known import Held
from storage.operations import Create
from storage.statements import Statements
from storage.tallies import Tally

Answer = tuple[int, bool]  # the request's id, and whether an earlier submit had made it


def create(
    connection: Connection, statements: Statements, creates: Sequence[Create], now: float, tally: Tally
) -> tuple[list[Answer], list[Held]]:
    """Store requests with a row for each node, the start due at once. Answers in the order of ``creates``, and what
    was stored."""
    known = _known(connection, statements, [create.new for create in creates])
    fresh: list[Create] = []
    places: list[int | None] = []  # of each create's request in ``fresh``; None when it was stored before
    by_key: dict[tuple[str, str], int] = {}
    for create in creates:
        key = _key(create.new)
        place = by_key.get(key, len(fresh)) if key else len(fresh)
        places.append(None if key in known else place)
        if key not in known and place == len(fresh):
            fresh.append(create)
            if key:
                by_key[key] = place
    stored = _store(connection, statements, fresh, now, tally)
    return [
        (known[_key(create.new)], True) if place is None else (stored[place].request.id, fresh[place] is not create)
        for create, place in zip(creates, places, strict=True)
    ], stored


def _key(new: NewRequest) -> tuple[str, str] | None:
    """A key counts within its workflow: two systems that submit to different ones may both count from 1."""
    return None if new.key is None else (new.workflow, rows.clean(new.key) or "")


def _known(
    connection: Connection, statements: Statements, news: Sequence[NewRequest]
) -> dict[tuple[str, str] | None, int]:
    """By workflow: SQLite finds pairs of workflow and key by no index."""
    keys: dict[str, list[str]] = {}
    for workflow, key in filter(None, map(_key, news)):
        keys.setdefault(workflow, []).append(key)
    known: dict[tuple[str, str] | None, int] = {}
    for workflow, wanted in keys.items():
        for key, request_id in statements.submitted.run(connection, workflow=workflow, keys=statements.listed(wanted)):
            known[workflow, key] = request_id
    return known


def _store(
    connection: Connection, statements: Statements, fresh: Sequence[Create], now: float, tally: Tally
) -> list[Held]:
    if not fresh:
        return []
    ids = statements.new_request_ids(connection, len(fresh))
    requests_: list[rows.Row] = []
    steps: list[rows.Row] = []
    events: list[rows.Row] = []
    stored = []
    for request_id, create in zip(ids, fresh, strict=True):
        new = create.new
        request, its_steps = begin(request_id, new, create.graph, now)
        tally.came(request)
        stored.append(Held(request, {step.node: step for step in its_steps}))
        requests_.append((*rows.request_row(request), rows.clean(new.title), new.input, rows.clean(new.key), False))
        steps += map(rows.step_row, its_steps)
        events.append(rows.event_row(create.submitted._replace(request_id=request_id, at=now)))
    statements.insert_requests.run(connection, requests_)
    statements.insert_steps.run(connection, steps)
    statements.insert_events.run(connection, events)
    return stored
