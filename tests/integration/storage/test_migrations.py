from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from engine.errors import StorageError
from storage import migrations
from storage.database import Database
from storage.migrations import check, upgrade
from storage.tables import metadata
from tests.integration.storage.conftest import OpenDatabase


def indexes(connection: Connection) -> dict[str, str]:
    """The definition of every index, conditions included: Alembic's comparison leaves those out."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    else:
        query = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    found = connection.exec_driver_sql(query).all()
    return {name: re.sub(r"\s+", " ", text) for name, text in found if name != "alembic_version_pkc"}


def test_the_migrations_make_the_tables_that_the_code_uses(database: Database):
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        migrated = indexes(connection)
    with database.writing() as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
        assert indexes(connection) == migrated


def test_the_files_are_named_after_their_revisions_in_the_order_in_which_they_run():
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    newest_first = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert migrations._known() == newest_first[::-1]


def test_looking_at_the_tables_does_not_import_what_only_changes_them(sqlite_url: str, open_at: OpenDatabase):
    database = open_at(sqlite_url)
    upgrade(database)
    look = f"""
import sys
from storage.database import open_database
from storage.migrations import check
check(open_database({sqlite_url!r}))
assert "alembic" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", look], check=True)


def test_upgrading_twice_does_nothing_the_second_time(database_url: str, open_at: OpenDatabase):
    database = open_at(database_url)
    assert upgrade(database)
    assert not upgrade(database)
    check(database)


def test_processes_that_upgrade_at_once_do_not_get_in_each_other_s_way(database_url: str, open_at: OpenDatabase):
    databases = [open_at(database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, databases))
    for database in databases:
        check(database)


def test_sqlite_is_in_wal_mode_from_the_first_migration(sqlite_url: str, open_at: OpenDatabase):
    database = open_at(sqlite_url)
    upgrade(database)
    with database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_a_database_without_tables_says_what_to_run(database_url: str, open_at: OpenDatabase):
    database = open_at(database_url)
    with pytest.raises(StorageError, match="retrigger db upgrade"):
        check(database)


def test_looking_at_a_file_that_is_not_there_does_not_make_it(sqlite_url: str, open_at: OpenDatabase):
    database = open_at(sqlite_url)
    with pytest.raises(StorageError, match="does not exist yet"):
        check(database)
    assert database.is_missing()


def test_a_database_of_a_newer_retrigger_is_left_alone(database: Database):
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        before = snapshot(connection)
    for act in (check, upgrade):
        with pytest.raises(StorageError, match="made by a newer Retrigger"):
            act(database)
    with database.reading() as connection:
        assert snapshot(connection) == before


def snapshot(connection: Connection) -> dict[str, Any]:
    inspector = inspect(connection)
    return {name: [column["name"] for column in inspector.get_columns(name)] for name in inspector.get_table_names()}
