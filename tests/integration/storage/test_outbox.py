from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from engine.draft import Draft
from engine.outbox import CARD, OutboxRow, Posted
from engine.records import Notice
from storage.outbox import SqlOutbox
from storage.store import SqlStore
from storage.tables import outbox as table
from tests.integration.storage.conftest import OpenStore
from tests.integration.storage.helpers import submit, wait_until


@pytest.fixture
def outbox(store: SqlStore) -> SqlOutbox:
    return SqlOutbox(store)


def tell(store: SqlStore, request_id: int, *kinds: str) -> None:
    """Write notices, as a change of the request's state would."""

    def decide(draft: Draft) -> None:
        for kind in kinds:
            event = draft.event("noted", reason=kind) if kind != "card" else None
            draft.notices.append(Notice(request_id, kind, event, "slack:T1/U1"))

    store.change(request_id, decide)


def test_a_row_carries_what_it_tells(store: SqlStore, outbox: SqlOutbox):
    request_id = submit(store)
    tell(store, request_id, "line")
    (row,) = outbox.due(10, 30)
    assert (row.request_id, row.kind, row.actor, row.tries, row.sent_before) == (
        request_id,
        "line",
        "slack:T1/U1",
        0,
        False,
    )
    assert row.event == store.detail(request_id).events[-1]


def test_rows_of_one_request_come_in_order_and_one_at_a_time(store: SqlStore, outbox: SqlOutbox):
    one, two = submit(store), submit(store)
    tell(store, one, "card", "line", "tell")
    tell(store, two, "line")
    first = outbox.due(10, 30)
    assert [(row.request_id, row.kind) for row in first] == [(one, "card"), (two, "line")]
    assert outbox.due(10, 30) == []  # taken
    outbox.done(first[0].id)
    assert [(row.request_id, row.kind) for row in outbox.due(10, 30)] == [(one, "line")]


def test_a_row_that_waits_for_another_try_holds_back_those_behind_it(store: SqlStore, outbox: SqlOutbox):
    request_id = submit(store)
    tell(store, request_id, "line", "tell")
    (row,) = outbox.due(10, 30)
    outbox.later(row.id, 0.05, "Slack is down")
    assert outbox.due(10, 30) == []
    again: list[OutboxRow] = []

    def came() -> bool:
        again.extend(outbox.due(10, 30))
        return bool(again)

    wait_until(came)
    assert [(row.kind, row.tries) for row in again] == [("line", 1)]


def test_a_send_whose_answer_is_not_known_is_marked_when_the_row_comes_again(store: SqlStore, outbox: SqlOutbox):
    tell(store, submit(store), "line")
    (row,) = outbox.due(10, 0.0)  # a relay that dies at once
    outbox.sending(row.id)
    (again,) = outbox.due(10, 30)
    assert (again.id, again.sent_before) == (row.id, True)


def test_a_dropped_row_makes_way_and_keeps_its_error(store: SqlStore, outbox: SqlOutbox):
    tell(store, submit(store), "line", "tell")
    (row,) = outbox.due(10, 30)
    outbox.drop(row.id, "channel_not_found")
    assert [row.kind for row in outbox.due(10, 30)] == ["tell"]
    with store.database.reading() as connection:
        assert connection.scalar(select(table.c.error).where(table.c.id == row.id)) == "channel_not_found"


def test_what_waits_is_counted(store: SqlStore, outbox: SqlOutbox):
    assert outbox.waiting() == (0, None)
    tell(store, submit(store), "line")
    number, age = outbox.waiting()
    assert number == 1
    assert age is not None
    assert 0 <= age < 5


def test_a_card_is_remembered(store: SqlStore, outbox: SqlOutbox):
    assert outbox.posted(7) == {}
    outbox.remember(Posted(7, CARD, "T1", "C1", "1.2", "a"))
    outbox.remember(Posted(7, "another", "T1", "D1", "1.3", "a"))
    outbox.remember(Posted(8, CARD, "T1", "C1", "1.4", "a"))
    outbox.remember(Posted(7, CARD, "T1", "C1", "1.2", "b"))
    assert outbox.posted(7) == {
        CARD: Posted(7, CARD, "T1", "C1", "1.2", "b"),
        "another": Posted(7, "another", "T1", "D1", "1.3", "a"),
    }


def test_two_relays_never_take_the_same_row(open_store: OpenStore):
    stores = [open_store(), open_store()]
    for _ in range(30):
        tell(stores[0], submit(stores[0]), "line")
    relays = [SqlOutbox(store) for store in stores]
    with ThreadPoolExecutor(4) as pool:
        taken = [row.id for rows in pool.map(lambda i: relays[i % 2].due(3, 30), range(40)) for row in rows]
    assert len(taken) == len(set(taken)) == 30


def test_the_relay_is_woken_by_the_commit_that_has_something_to_tell(store: SqlStore, open_store: OpenStore):
    woken: list[str] = []
    quiet = submit(store)
    waking = SqlStore(store.database, lambda name, version: None, lambda app: True, lambda: woken.append("told"))  # type: ignore[arg-type,return-value]
    try:
        waking.change(quiet, lambda draft: draft.event("noted"))
        assert woken == []
        tell(waking, quiet, "line")
        assert woken == ["told"]
    finally:
        waking.close()
