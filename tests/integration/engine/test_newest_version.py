"""A submit starts the newest version there is, whichever process published it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.errors import InvalidInput
from tests.support.engine import HANNA, Room

FIRST = "{workflow: hr, app: HR, nodes: {one: {delay: {for: 1h}}}}"
ASKING = """
workflow: hr
app: HR
input_schema: {type: object, required: [name]}
nodes: {one: {delay: {for: 1h}}}
"""


@pytest.fixture
def rooms(database_url: str) -> Iterator[tuple[Room, Room]]:
    """Two processes on one database, as far as either can tell: each has its store and what it remembers."""
    here, there = Room(database_url), Room(database_url)
    yield here, there
    here.close()
    there.close()


def version_of(room: Room, submitted: tuple[int, bool]) -> int:
    return room.store.status(submitted[0])[0].workflow_version


def test_what_another_process_published_is_started(rooms: tuple[Room, Room]):
    here, there = rooms
    here.publish(FIRST)
    assert version_of(here, here.engine.submit(HANNA, "hr", {"name": "Rae"})) == 1
    there.publish(ASKING)
    assert version_of(here, here.engine.submit(HANNA, "hr", {"name": "Rae"})) == 2


def test_an_input_is_refused_by_what_another_process_published(rooms: tuple[Room, Room]):
    here, there = rooms
    here.publish(FIRST)
    here.engine.submit(HANNA, "hr", {})
    there.publish(ASKING)
    with pytest.raises(InvalidInput, match="name"):
        here.engine.submit(HANNA, "hr", {})


def test_an_input_is_taken_by_what_another_process_published(rooms: tuple[Room, Room]):
    here, there = rooms
    here.publish(ASKING)
    here.engine.submit(HANNA, "hr", {"name": "Rae"})
    there.publish(FIRST)
    assert version_of(here, here.engine.submit(HANNA, "hr", {})) == 2


def test_a_key_counts_whatever_was_published_meanwhile(rooms: tuple[Room, Room]):
    here, there = rooms
    here.publish(FIRST)
    number, _ = here.engine.submit(HANNA, "hr", {}, key="one")
    there.publish(ASKING)
    assert here.engine.submit(HANNA, "hr", {}, key="one") == (number, True)
