"""Workspaces that took the app out, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from storage.removals import SqlRemovals
from tests.support.engine import Room


@pytest.fixture
def removals(database_url: str) -> Iterator[SqlRemovals]:
    with closing(Room(database_url)) as room:
        yield SqlRemovals(room.store)


def test_the_newest_reason_counts_until_it_is_over(removals: SqlRemovals) -> None:
    removals.removed("T1", "tokens_revoked")
    removals.removed("T1", "app_uninstalled")
    removals.removed("T2", "app_uninstalled")
    assert [(removal.team, removal.reason) for removal in removals.removals()] == [
        ("T1", "app_uninstalled"),
        ("T2", "app_uninstalled"),
    ]
    removals.restored()
    assert removals.removals() == []
