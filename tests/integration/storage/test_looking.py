"""Looking at a request, on both databases: an event while the request is held, and a card due when it is over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import select, update

from engine.errors import Conflict, NotFound
from engine.limits import LOOK_SECONDS
from engine.rules.decide.act import Act
from engine.rules.draft import Draft
from engine.rules.looking import look, look_away, looking
from engine.states import RequestStatus
from storage.outbox import SqlOutbox
from storage.store import SqlStore
from storage.tables import outbox as table
from tests.integration.storage.helpers import submit

PEOPLE = [Act(name, f"slack:T1/U{name}", "slack") for name in ("Ada", "Ben", "Cas", "Dee")]


def blocked(store: SqlStore) -> int:
    request_id = submit(store)

    def decide(draft: Draft) -> None:
        draft.change_request(RequestStatus.BLOCKED, "why")

    store.change(request_id, decide)
    return request_id


def now_looking(store: SqlStore, request_id: int) -> str | None:
    detail = store.detail(request_id)
    found = looking(detail.events, detail.at)
    return found and found.by


def drain(outbox: SqlOutbox) -> list[tuple[int, str]]:
    told = []
    while rows := outbox.due(10, 30):
        for row in rows:
            told.append((row.request_id, row.kind))
            outbox.done([row.id])
    return told


def test_of_many_at_once_one_is_looking_and_the_others_are_told_who(store: SqlStore) -> None:
    request_id = blocked(store)

    def click(act: Act) -> str | None:
        try:
            store.look(request_id, partial(look, act=act, seen=None))
        except Conflict as error:
            return error.by
        return None

    with ThreadPoolExecutor(len(PEOPLE)) as pool:
        told = list(pool.map(click, PEOPLE))
    winner = now_looking(store, request_id)
    assert sorted(map(str, told)) == sorted(["None", *[str(winner)] * 3])


def test_the_request_itself_stays_as_it_was(store: SqlStore) -> None:
    request_id = blocked(store)
    before = store.status(request_id)
    store.look(request_id, partial(look, act=PEOPLE[0], seen=None))
    assert store.status(request_id) == before, "no version rises, so nobody's open window is void"
    store.look(request_id, partial(look_away, act=PEOPLE[0]))
    assert now_looking(store, request_id) is None
    with pytest.raises(NotFound):
        store.look(10**6, partial(look, act=PEOPLE[0], seen=None))


def test_the_card_is_due_once_more_when_it_is_over_and_holds_nothing_up_until_then(store: SqlStore) -> None:
    outbox = SqlOutbox(store)
    request_id = blocked(store)
    drain(outbox)
    store.look(request_id, partial(look, act=PEOPLE[0], seen=None))
    assert drain(outbox) == [(request_id, "card"), (request_id, "line")]
    assert outbox.waiting() == (0, None), "what is for later waits for nothing"
    store.look(request_id, partial(look_away, act=PEOPLE[0]))
    (row,) = outbox.due(10, 30)
    outbox.later(row, 0.0, "Slack is down")
    assert drain(outbox) == [(request_id, "card"), (request_id, "line")], "the later one is passed over"
    with store.database.reading() as connection:
        (later,) = connection.execute(select(table).where(table.c.done_at.is_(None))).all()
    over = pytest.approx(_since(store, request_id) + LOOK_SECONDS)
    assert (later.kind, later.due_at, later.created_at) == ("card", over, over)
    past = {"created_at": later.created_at - LOOK_SECONDS, "due_at": later.due_at - LOOK_SECONDS}
    store.writer.write(lambda connection, now: connection.execute(update(table).values(past)))
    assert drain(outbox) == [(request_id, "card")]


def _since(store: SqlStore, request_id: int) -> float:
    return next(float(event.at) for event in store.detail(request_id).events if event.kind == "looking")
