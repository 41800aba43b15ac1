from __future__ import annotations

from engine.permissions import Grant, Permission
from storage.store import SqlStore

TAKE_ACTION, ADMIN = Permission.TAKE_ACTION, Permission.ADMIN


def test_grants_are_kept_for_one_application_or_for_all(store: SqlStore):
    one, every = Grant("hanna@example.com", TAKE_ACTION, "HR", "Ada"), Grant("hanna@example.com", ADMIN, None, "Ada")
    assert store.add_grant(one)
    assert store.add_grant(every)
    assert set(store.grants()) == {one, every}


def test_a_grant_is_known_by_who_permission_and_application(store: SqlStore):
    assert store.add_grant(Grant("Hanna@example.com", TAKE_ACTION, "HR", "Ada"))
    assert not store.add_grant(Grant("hanna@Example.com", TAKE_ACTION, "HR", "somebody else"))
    assert not store.remove_grant(Grant("hanna@example.com", TAKE_ACTION))
    assert store.remove_grant(Grant("hanna@example.com", TAKE_ACTION, "HR"))
    assert store.grants() == []
