"""Keys for the HTTP API: who makes them, whom they are for, and that they are stored nowhere (SPEC 8)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import text

from engine.errors import InvalidInput, NotFound, NotPermitted, Refused, UnknownKey
from engine.rules.permissions import Actor, Grant, Permission
from tests.support.engine import HANNA, VERA, Room


@pytest.fixture
def room(database_url: str) -> Iterator[Room]:
    with closing(Room(database_url)) as room:
        yield room


@pytest.fixture(scope="module")
def one_key(module_database_url: str) -> Iterator[Room]:
    """With the key ci, for tests that change nothing."""
    with closing(Room(module_database_url)) as room:
        room.engine.create_key(HANNA, "ci")
        yield room


def key_events(room: Room) -> list[tuple[Any, ...]]:
    with room.database.reading() as connection:
        query = text("SELECT kind, actor, door, data FROM events WHERE kind LIKE 'key_%' ORDER BY id")
        return [tuple(row) for row in connection.execute(query)]


def test_a_key_is_known_until_it_is_revoked(room: Room):
    key = room.engine.create_key(HANNA, "ci")

    caller = room.engine.caller(key)
    assert caller.actor == Actor("key:ci", "key ci", "api")
    assert caller.command_id("once") == f"key:{caller.key_id}:once"
    room.engine.revoke_key(HANNA, "ci")
    with pytest.raises(UnknownKey, match="not known, or was revoked"):
        room.engine.caller(key)


@pytest.mark.parametrize("key", [None, "", "rtk_", "rtk_nobody", "\0", "\ud800", "x" * 100_000])
def test_what_is_no_key_opens_nothing(one_key: Room, key: str | None):
    with pytest.raises(UnknownKey):
        one_key.engine.caller(key)


def test_of_each_name_one_key_is_in_use_and_a_new_one_is_another_caller(room: Room):
    first = room.engine.caller(room.engine.create_key(HANNA, "ci"))
    with pytest.raises(Refused, match="There is a key ci already"):
        room.engine.create_key(HANNA, "ci")
    room.engine.revoke_key(HANNA, "ci")

    second = room.engine.caller(room.engine.create_key(HANNA, "ci"))

    assert first.actor == second.actor
    assert first.command_id("once") != second.command_id("once")
    states = [(key.name, key.created_by, key.revoked_at is None) for key in room.engine.keys(HANNA)]
    assert states == [("ci", "Hanna Lead", False), ("ci", "Hanna Lead", True)]


@pytest.mark.parametrize("name", ["", "Ci", "c i", "-ci", "c\0i", "ci\n", "x" * 51, "ключ"])
def test_a_name_that_no_grant_could_be_read_with_is_refused(one_key: Room, name: str):
    with pytest.raises(InvalidInput, match="cannot name a key"):
        one_key.engine.create_key(HANNA, name)
    assert [key.name for key in one_key.engine.keys(HANNA)] == ["ci"]


def test_only_an_admin_of_everything_makes_lists_and_revokes(room: Room):
    room.engine.grant(HANNA, Grant("vera@example.com", Permission.ADMIN, "HR"))

    for attempt in (room.engine.create_key, room.engine.revoke_key):
        with pytest.raises(NotPermitted):
            attempt(VERA, "ci")
    with pytest.raises(NotPermitted):
        room.engine.keys(VERA)


def test_making_and_revoking_are_in_the_audit_and_the_key_is_nowhere(room: Room):
    key = room.engine.create_key(HANNA, "ci")
    with pytest.raises(Refused):
        room.engine.create_key(HANNA, "ci")
    room.engine.revoke_key(HANNA, "ci")
    with pytest.raises(NotFound, match="There is no key ci"):
        room.engine.revoke_key(HANNA, "ci")

    who = (HANNA.id, "slack", '{"key":"ci"}')
    assert key_events(room) == [("key_created", *who), ("key_revoked", *who)]
    with room.database.reading() as connection:
        (stored,) = connection.exec_driver_sql("SELECT * FROM api_keys").all()
    assert key not in str(stored)
