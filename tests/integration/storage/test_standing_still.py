"""That a version which nobody can read keeps its requests where they are is told once, however many find it out."""

from __future__ import annotations

from sqlalchemy import update

from engine.errors import UnreadableVersion
from engine.ports.outbox import OutboxRow
from engine.records import STILL
from storage.outbox import SqlOutbox
from storage.standing_still import AGAIN
from storage.store import SqlStore
from storage.tables import installation
from tests.integration.storage.conftest import OpenStore
from tests.integration.storage.helpers import submit

FIRST, SECOND = UnreadableVersion("w", 1), UnreadableVersion("w", 2)


def told(store: SqlStore) -> list[OutboxRow]:
    """What is due, taken for no time."""
    return SqlOutbox(store).due(10, 0.0)


def test_once_for_a_version_by_whichever_engine(store: SqlStore, open_store: OpenStore) -> None:
    here, there = submit(store), submit(store)
    store.tell_standing_still(here, FIRST)
    store.tell_standing_still(there, FIRST)
    open_store().tell_standing_still(there, FIRST)
    open_store().tell_standing_still(there, SECOND)
    rows = told(store)
    assert [(row.request_id, row.kind, row.event and row.event.reason) for row in rows] == [
        (here, STILL, str(FIRST)),
        (there, STILL, str(SECOND)),
    ]


def test_again_when_a_day_is_over(store: SqlStore) -> None:
    number = submit(store)
    for ago, count in ((0.0, 1), (AGAIN - 60.0, 1), (AGAIN + 60.0, 2)):
        with store.database.writing() as connection:
            for name, value in connection.execute(installation.select()).all():
                if name.startswith("standing_still:"):
                    connection.execute(
                        update(installation).where(installation.c.name == name).values(value=str(float(value) - ago))
                    )
        store.tell_standing_still(number, FIRST)
        assert len(all_told(store)) == count


def test_once_more_where_a_hand_has_changed_when_that_was(store: SqlStore) -> None:
    """What looks for lost steps tells it: an error here would end that look for all others."""
    number = submit(store)
    for count in (1, 2, 2):
        store.tell_standing_still(number, FIRST)
        assert len(all_told(store)) == count
        if count == 1:
            store.keep("standing_still:1:w", "yesterday")


def all_told(store: SqlStore) -> list[OutboxRow]:
    outbox = SqlOutbox(store)
    first = outbox.due(1, 0.0)
    return [*first, *outbox.behind(first[0], 10)]


def test_nobody_is_told_where_the_application_has_no_channel(store: SqlStore) -> None:
    store.tell_standing_still(submit(store, app="Lab"), FIRST)
    assert told(store) == []
