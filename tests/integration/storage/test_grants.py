from __future__ import annotations

from sqlalchemy import insert, select

from engine import events
from engine.records import Event
from engine.rules.permissions import Grant, Permission
from storage import tables
from storage.store import SqlStore

TAKE_ACTION, ADMIN = Permission.TAKE_ACTION, Permission.ADMIN


GRANTED, REVOKED = Event(None, events.GRANTED, 0.0, by="Ada"), Event(None, events.GRANT_REVOKED, 0.0, by="Ada")


def test_grants_are_kept_for_one_application_or_for_all(store: SqlStore):
    one, every = Grant("hanna@example.com", TAKE_ACTION, "HR", "Ada"), Grant("hanna@example.com", ADMIN, None, "Ada")
    assert store.add_grant(one, GRANTED)
    assert store.add_grant(every, GRANTED)
    found = store.grants()
    assert {grant._replace(at=None) for grant in found} == {one, every}
    assert all(grant.at for grant in found)


def test_a_grant_is_known_by_who_permission_and_application(store: SqlStore):
    assert store.add_grant(Grant("Hanna@example.com", TAKE_ACTION, "HR", "Ada"), GRANTED)
    assert not store.add_grant(Grant("hanna@Example.com", TAKE_ACTION, "HR", "somebody else"), GRANTED)
    assert not store.remove_grant(Grant("hanna@example.com", TAKE_ACTION), REVOKED)
    assert store.remove_grant(Grant("hanna@example.com", TAKE_ACTION, "HR"), REVOKED)
    assert store.grants() == []


def test_a_permission_of_a_newer_version_counts_for_nothing_and_hides_no_other(store: SqlStore):
    assert store.add_grant(Grant("hanna@example.com", TAKE_ACTION, "HR", "Ada"), GRANTED)
    newer = {"who": "hanna@example.com", "permission": "approve_all", "app": "", "source": "Ada", "at": 1.0}
    with store.database.writing() as connection:
        connection.execute(insert(tables.grants).values(newer))
    assert [grant.permission for grant in store.grants()] == [TAKE_ACTION]


def test_case_does_not_count_beyond_ascii_either(store: SqlStore):
    assert store.add_grant(Grant("ZOË@example.com", TAKE_ACTION, "HR", "Ada"), GRANTED)
    assert not store.add_grant(Grant("zoë@example.com", TAKE_ACTION, "HR", "Ada"), GRANTED)
    assert store.remove_grant(Grant("zoë@example.com", TAKE_ACTION, "HR"), REVOKED)
    assert store.grants() == []


def test_each_change_leaves_its_event_and_what_changes_nothing_leaves_none(store: SqlStore):
    grant = Grant("hanna@example.com", TAKE_ACTION, "HR", "Ada")
    for _ in range(2):
        store.add_grant(grant, GRANTED)
    for _ in range(2):
        store.remove_grant(grant, REVOKED)
    with store.database.reading() as connection:
        kinds = connection.scalars(select(tables.events.c.kind).order_by(tables.events.c.id)).all()
    assert kinds == ["granted", "grant_revoked"]
