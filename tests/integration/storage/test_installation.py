"""What an installation keeps for itself, and processes that ask for it at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert

from storage.store import SqlStore
from storage.tables import installation
from tests.integration.storage.conftest import OpenStore
from tests.support.poll import PATIENCE, wait_until
from tests.support.postgres import is_waited_for

SECRET = "ab" * 32


def test_what_is_kept_is_replaced(store: SqlStore):
    assert store.kept("groups") is None
    store.keep("groups", "one")
    store.keep("groups", "two")
    assert store.kept("groups") == "two"


class TestOfTwoThatAreFirst:
    """On SQLite the write lock has one come after the other."""

    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        return postgres_url

    def test_what_the_later_one_keeps_stays(self, store: SqlStore, open_store: OpenStore):
        beside(store, open_store, "groups", "one", lambda: store.keep("groups", "two"))
        assert store.kept("groups") == "two"

    def test_one_makes_the_secret(self, store: SqlStore, open_store: OpenStore):
        assert beside(store, open_store, "callback_secret", SECRET, store.installation_secret) == bytes.fromhex(SECRET)
        assert store.installation_secret() == bytes.fromhex(SECRET)


def beside(store: SqlStore, open_store: OpenStore, name: str, value: str, act: Callable[[], object]) -> object:
    """What the act comes to when another process has just written that, and commits it a little later."""
    with ThreadPoolExecutor(1) as pool:
        with open_store().database.writing() as other:
            other.execute(insert(installation).values(name=name, value=value))
            acted = pool.submit(act)
            wait_until(lambda: is_waited_for(store.database), "the act to come to the other's row")
        return acted.result(PATIENCE)
