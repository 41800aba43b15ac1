"""Who may give and take back permissions, and what becomes of the last Admin (SPEC 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from engine.commands.service import Engine
from engine.definition import load
from engine.errors import InvalidInput, NotPermitted, Refused
from engine.rules.permissions import Actor, Grant, Permission
from tests.support.engine import Room

OWNER = Actor("owner@example.com", "Owner", "cli", mail="owner@example.com", owner=True)
OMAR = Actor("slack:T1/U2", "Omar Ops", "slack", mail="omar@example.com", slack_user="U2")
ROBOT = Actor("key:robot", "key robot", "api")
GUS = Actor("slack:T1/U9", "Gus", "slack", groups=frozenset({"@hr-admins", "S1"}))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """With no grant in the settings file."""
    room = Room(database_url)
    yield Engine(room.store, room.catalog)
    room.close()


def admin(who: str, app: str | None = None) -> Grant:
    return Grant(who, Permission.ADMIN, app)


@pytest.mark.parametrize("act", [Engine.grant, Engine.revoke])
def test_an_application_without_a_name_is_not_all_of_them(engine: Engine, act: Callable[[Engine, Actor, Grant], bool]):
    engine.grant(OWNER, admin("U2"))
    before = engine.grants()

    for app in ("", "HR\n"):
        with pytest.raises(InvalidInput, match="app has 1 to 200 characters") as refused:
            act(engine, OWNER, admin("U2", app))
        assert refused.value.field == "app"
    assert engine.grants() == before


def test_the_last_admin_is_not_revoked_but_by_the_owner_of_the_settings(engine: Engine):
    engine.grant(OWNER, admin("U2"))
    with pytest.raises(Refused, match="Nobody else holds Admin for every application"):
        engine.revoke(OMAR, admin("u2"))
    engine.grant(OMAR, admin("key:robot"))  # nobody can ask a program
    with pytest.raises(Refused, match="Nobody else holds Admin"):
        engine.revoke(ROBOT, admin("U2"))
    assert engine.revoke(OWNER, admin("U2"))
    with pytest.raises(NotPermitted):
        engine.grants_for(OMAR)


def test_who_moves_a_workflow_to_another_application_is_admin_of_both(engine: Engine):
    text = "workflow: pay\napp: %s\nnodes:\n  done: {end: {status: completed}}\n"
    engine.publish(OWNER, load(text % "HR", "pay.yaml"))
    engine.grant(OWNER, admin("U2", "IT"))
    with pytest.raises(NotPermitted, match="'Admin' for HR"):
        engine.publish(OMAR, load(text % "IT", "pay.yaml"))
    engine.grant(OWNER, admin("U2", "HR"))
    assert engine.publish(OMAR, load(text % "IT", "pay.yaml")) == (2, True)


def test_an_admin_may_remove_their_own_grant_while_another_is_left(engine: Engine):
    engine.grant(OWNER, admin("U2"))
    engine.grant(OWNER, admin("S1"))
    assert engine.revoke(OMAR, admin("U2"))
    assert [grant.who for grant in engine.grants_for(GUS)] == ["S1"]


def test_of_one_application_too_somebody_is_left(engine: Engine):
    engine.grant(OWNER, admin("U2", "HR"))
    engine.grant(OWNER, admin("U4", "IT"))  # who can grant nothing of HR
    with pytest.raises(Refused, match="Nobody else holds Admin for HR"):
        engine.revoke(OMAR, admin("U2", "HR"))
    engine.grant(OWNER, admin("S1"))
    assert engine.revoke(OMAR, admin("U2", "HR"))


def test_an_application_by_the_name_of_all_is_not_all(engine: Engine):
    engine.grant(OWNER, admin("U2", "every application"))
    with pytest.raises(NotPermitted, match="'Admin' for every application"):
        engine.grant(OMAR, admin("U3"))


def test_a_grant_to_a_group_is_its_members_by_handle_and_by_id(engine: Engine):
    for who in ("@HR-admins", "s1"):
        engine.grant(OWNER, Grant(who, Permission.SUBMIT, "HR"))
    assert [grant.who for grant in engine.whoami(GUS)] == ["@HR-admins", "s1"]
    assert engine.whoami(OMAR) == []
