"""What is to be told, and cannot be read: a newer Retrigger may have written it, whose bot tells it."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from storage.outbox import SqlOutbox
from storage.store import SqlStore
from storage.tables import outbox as table
from tests.integration.storage.helpers import pass_time, submit, tell


@pytest.fixture
def outbox(store: SqlStore) -> SqlOutbox:
    return SqlOutbox(store)


@pytest.mark.parametrize("damage", ['{"of": "tomorrow"}', '{"of": '], ids=["of another form", "no JSON"])
def test_it_waits_and_the_others_are_told(store: SqlStore, outbox: SqlOutbox, damage: str):
    damaged, whole = submit(store), submit(store)
    tell(store, damaged, "line", "line")
    tell(store, whole, "line")
    event = write_event(store, 1, damage)
    (told,) = outbox.due(10, 30)
    outbox.done([told.id])
    assert (told.request_id, outbox.due(10, 30)) == (whole, [])
    waits = outbox.backlog()
    assert (waits.number, waits.request_id, waits.given_up) == (2, damaged, 0)
    assert (waits.error or "").startswith("This cannot be read: what is to be told is damaged, or a newer Retrigger")
    write_event(store, 1, event)
    pass_time(store)
    assert [row.id for row in outbox.due(10, 30)] == [1]


def test_it_is_not_told_along_with_what_can_be_read(store: SqlStore, outbox: SqlOutbox):
    tell(store, submit(store), *["line"] * 3)
    first = outbox.due(1, 30)[0]
    event = write_event(store, 2, "5")
    assert outbox.behind(first, 10) == []
    write_event(store, 2, event)
    assert [row.id for row in outbox.behind(first, 10)] == [2, 3]


def write_event(store: SqlStore, row_id: int, event: str) -> str:
    """What a row is to tell becomes this; what it was."""
    mine = table.c.id == row_id
    with store.database.writing() as connection:
        before = str(connection.scalar(select(table.c.event).where(mine)))
        connection.execute(update(table).where(mine).values(event=event))
    return before
