"""The report's pages, while what they show is mended (SPEC 7, App Home)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from engine.commands.reports import BlockedPage
from engine.functions import function
from tests.support.engine import HANNA, Room

FAILING = "{workflow: failing, app: HR, nodes: {one: {function: {name: pages.fail, isolation: thread}}}}"


@function("pages.fail")
def fail() -> None:
    raise RuntimeError("no")


@pytest.fixture
def room(database_url: str) -> Iterator[Room]:
    with closing(Room(database_url)) as room:
        room.publish(FAILING)
        room.start()
        yield room


def numbers(page: BlockedPage) -> list[int]:
    return [request.number for request in page.requests]


def test_a_page_that_has_become_too_short_is_answered_with_the_first(room: Room) -> None:
    made = []
    for _ in range(4):
        made.append(room.submit("failing"))
        room.wait(made[-1], "blocked")
    first = room.engine.blocked(HANNA, limit=2)
    second = room.engine.blocked(HANNA, limit=2, cursor=first.newer)
    assert (numbers(first), numbers(second)) == (made[:2], made[2:])
    assert numbers(room.engine.blocked(HANNA, limit=2, cursor=second.older)) == made[:2]
    room.engine.withdraw(HANNA, made[0], reason="over")
    back = room.engine.blocked(HANNA, limit=2, cursor=second.older)
    assert (numbers(back), back.older) == (made[1:3], None)
