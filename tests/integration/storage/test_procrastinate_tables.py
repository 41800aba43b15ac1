"""Procrastinate's tables: made once, changed when a newer one is installed, refused when not as they must be."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from procrastinate.schema import SchemaManager
from sqlalchemy import text

from engine.errors import StorageError
from storage import migrations, procrastinate_tables
from storage.database import Database, open_database

pytestmark = pytest.mark.postgres
_FUNCTIONS = "SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'procrastinate%' ORDER BY 1, 2"
_COLUMNS = """
    SELECT table_name, column_name, data_type FROM information_schema.columns
    WHERE table_name LIKE 'procrastinate%' ORDER BY 1, 2
"""


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    database = open_database(postgres_url)
    migrations.upgrade(database)
    yield database
    database.close()


def _shape(database: Database) -> list[list[str]]:
    with database.reading() as connection:
        rows = [row for query in (_FUNCTIONS, _COLUMNS) for row in connection.execute(text(query))]
    return [[" ".join(str(value).split()) for value in row] for row in rows]


def _say(database: Database, version: str) -> None:
    sql = text("UPDATE installation SET value = :version WHERE name = 'procrastinate_schema'")
    with database.writing() as connection:
        connection.execute(sql, {"version": version})


def test_they_are_asked_for_made_and_then_left_alone(database: Database):
    with pytest.raises(StorageError, match=r"no tables of Procrastinate yet\. Run `retrigger db upgrade`"):
        procrastinate_tables.check(database)
    assert procrastinate_tables.upgrade(database)
    assert not procrastinate_tables.upgrade(database)
    procrastinate_tables.check(database)


def test_processes_that_upgrade_at_once_do_not_get_in_each_other_s_way(database: Database):
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(procrastinate_tables.upgrade, [database] * 4)) == [False, False, False, True]


def test_older_ones_are_brought_up_to_date_by_the_changes_since(database: Database, monkeypatch: pytest.MonkeyPatch):
    """From the schema of a release long ago, made as that release made it: by the changes up to it."""
    files = procrastinate_tables._changes()
    old = files.index("03.00.00_50_post_cancel_notification.sql")
    schema = "\n".join(procrastinate_tables._read(name) for name in files[: old + 1])
    with monkeypatch.context() as then:
        then.setattr(SchemaManager, "get_schema", lambda: schema)
        then.setattr(procrastinate_tables, "_changes", lambda: files[: old + 1])
        assert procrastinate_tables.upgrade(database)
    with pytest.raises(StorageError, match="older tables of Procrastinate than are installed"):
        procrastinate_tables.check(database)
    assert procrastinate_tables.upgrade(database)
    procrastinate_tables.check(database)
    upgraded = _shape(database)
    with database.writing() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    migrations.upgrade(database)
    procrastinate_tables.upgrade(database)
    assert _shape(database) == upgraded


def test_newer_ones_are_left_alone(database: Database):
    procrastinate_tables.upgrade(database)
    _say(database, "99.00.00_01_pre_something.sql")
    for refused in (procrastinate_tables.check, procrastinate_tables.upgrade):
        with pytest.raises(StorageError, match=r"are newer \(99\.00\.00_01_pre_something\.sql\)"):
            refused(database)
