from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from engine import events
from engine.errors import NotFound
from engine.records import Event
from storage import tables
from storage.store import SqlStore
from tests.integration.storage.conftest import OpenStore

PUBLISHED = Event(None, events.PUBLISHED, 0.0, by="Hanna Lead", actor="hanna@example.com", door="cli")


def test_a_version_is_stored_when_it_differs_from_the_newest(store: SqlStore):
    assert store.publish("onboarding", "HR", {"title": "ä 😀"}, "d1", PUBLISHED) == (1, True)
    assert store.publish("onboarding", "HR", {"title": "ä 😀"}, "d1", PUBLISHED) == (1, False)
    assert store.publish("onboarding", "HR", {"title": "b"}, "d2", PUBLISHED) == (2, True)
    assert store.publish("onboarding", "HR", {"title": "ä 😀"}, "d1", PUBLISHED) == (3, True)
    first = store.workflow("onboarding", 1)
    assert (first.version, first.app, first.document, first.digest) == (1, "HR", {"title": "ä 😀"}, "d1")
    assert store.workflow("onboarding").version == 3
    with store.database.reading() as connection:
        told = connection.execute(select(tables.events.c.by, tables.events.c.door, tables.events.c.data)).all()
    assert [(by, door, json.loads(data)["version"]) for by, door, data in told] == [
        ("Hanna Lead", "cli", version) for version in (1, 2, 3)
    ]


@pytest.mark.parametrize("version", [2, 0, 2**31, 2**63, 10**30])
def test_a_version_that_no_database_can_hold_is_one_that_there_is_not(store: SqlStore, version: int):
    store.publish("onboarding", "HR", {}, "1", PUBLISHED)
    with pytest.raises(NotFound):
        store.workflow("onboarding", version)


def test_the_newest_of_each_is_listed(store: SqlStore):
    store.publish("b", "HR", {}, "1", PUBLISHED)
    store.publish("a", "IT", {}, "1", PUBLISHED)
    store.publish("a", "IT", {}, "2", PUBLISHED)
    assert [(found.name, found.version) for found in store.workflows()] == [("a", 2), ("b", 1)]


def test_what_is_not_there_is_not_found_and_what_is_there_is_named(store: SqlStore):
    with pytest.raises(NotFound, match="None is published yet"):
        store.workflow("onbording")
    store.publish("onboarding", "HR", {}, "1", PUBLISHED)
    with pytest.raises(NotFound, match=r"no workflow onbording.*onboarding"):
        store.workflow("onbording")
    with pytest.raises(NotFound, match="no version 9"):
        store.workflow("onboarding", 9)


def test_two_processes_that_publish_the_same_make_one_version(open_store: OpenStore):
    stores = [open_store(), open_store()]
    with ThreadPoolExecutor(4) as pool:
        published = list(pool.map(lambda i: stores[i % 2].publish("w", "HR", {}, "same", PUBLISHED), range(12)))
    assert sorted(published) == [(1, False)] * 11 + [(1, True)]
