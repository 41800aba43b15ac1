"""Databases that cannot be used, and what people are told then."""

from __future__ import annotations

import socket
import sqlite3
import time
import traceback
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import time_machine
from sqlalchemy import event, text
from sqlalchemy.engine import make_url

from engine.errors import StorageError
from storage import errors
from storage.database import Database, now, open_database
from storage.migrations import check, upgrade
from storage.store import SqlStore
from tests.integration.storage.helpers import GRAPH, note, submit


def store_on(database: Database) -> SqlStore:
    return SqlStore(database, lambda name, version: GRAPH, lambda app: False)


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite://", "sqlite:///:memory:", ""])
def test_an_address_of_another_kind_is_refused(url: str):
    with pytest.raises(StorageError, match=r"^database_url"):
        open_database(url)


def test_a_folder_that_is_missing_is_named(tmp_path: Path):
    with pytest.raises(StorageError, match=f"The folder {tmp_path}/no of the database does not exist"):
        open_database(f"sqlite:///{tmp_path}/no/retrigger.db")


def test_a_file_that_is_no_database_is_named(tmp_path: Path):
    file = tmp_path / "notes.db"
    file.write_text("These are my notes. " * 100)
    with pytest.raises(StorageError, match=f"The database {file} is not a SQLite database"):
        open_database(f"sqlite:///{file}")


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path):
    with pytest.raises(StorageError, match="cannot be opened"):
        open_database(f"sqlite:///{tmp_path}")


def test_a_database_that_may_not_be_written(sqlite_url: str):
    writable = open_database(sqlite_url)
    upgrade(writable)
    with_request = store_on(writable)
    request_id = submit(with_request)
    file = sqlite_url.removeprefix("sqlite:///")
    store = store_on(open_database(f"sqlite:///file:{file}?mode=ro&uri=true"))
    check(store.database)
    with pytest.raises(StorageError, match=r"is read-only. Make the file and its folder writable"):
        store.change(request_id, note("x"))
    assert store.status(request_id)[0].id == request_id
    for it in (with_request, store):
        it.close()
        it.database.close()


def test_a_full_disk_fails_what_does_not_fit_and_loses_nothing_else(sqlite_url: str):
    database = open_database(sqlite_url)
    upgrade(database)
    pages = 80

    @event.listens_for(database.engine, "connect")
    def limit(connection: Any, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    database.engine.dispose()
    store = store_on(database)
    request_id = submit(store)
    with pytest.raises(StorageError, match=r"There is no room left for the database .*; free some space"):
        store.change(request_id, note("x" * 1_000_000))
    assert store.change(request_id, note("small")) == "small"
    assert [event.reason for event in store.detail(request_id).events] == [None, "small"]
    store.close()
    database.close()


def test_a_lock_that_is_not_let_go_of_fails_the_write_in_a_sentence(sqlite_url: str, monkeypatch: pytest.MonkeyPatch):
    with closing(open_database(sqlite_url)) as new:
        upgrade(new)
    monkeypatch.setattr("storage.database.BUSY_TIMEOUT", 0.1)
    store = store_on(open_database(sqlite_url))
    request_id = submit(store)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked by another process"):
        store.change(request_id, note("x"))
    other.execute("ROLLBACK")
    other.close()
    assert store.change(request_id, note("now")) == "now"
    store.close()
    store.database.close()


def test_tables_that_are_missing_say_what_to_run(database_url: str):
    database = open_database(database_url)
    store = store_on(database)
    with pytest.raises(StorageError, match="retrigger db upgrade"):
        store.counts()
    with pytest.raises(StorageError, match="retrigger db upgrade"):
        submit(store)
    store.close()
    database.close()


def test_an_error_has_nothing_of_what_was_asked_for(database: Database):
    """Its traceback is in the log, where nobody masks what a database was given."""
    given = {"title": "s3cret"}
    with pytest.raises(StorageError) as raised, database.reading() as connection:
        connection.execute(text("SELECT nothing_such FROM requests WHERE title = :title"), given)
    assert given["title"] not in "".join(traceback.format_exception(raised.value))


def test_a_postgres_that_is_not_there_is_named_without_the_password():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(StorageError, match=f"retrigger at 127.0.0.1:{port} cannot be reached") as caught:
        open_database(f"postgresql://ada:secret@127.0.0.1:{port}/retrigger")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.postgres
def test_a_postgres_database_that_does_not_exist_is_named(postgres_url: str):
    url = make_url(postgres_url).set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(StorageError, match="nowhere"):
        open_database(url)


@pytest.mark.postgres
@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_postgres_database_that_cannot_keep_every_text_is_named(postgres_url: str, encoding: str):
    url = make_url(postgres_url).set(drivername="postgresql")
    name = f"{url.database}_{encoding.lower()}"
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 LOCALE 'C' ENCODING {encoding}")
        try:
            with pytest.raises(StorageError, match=f"{name}.* has the encoding {encoding}.*--encoding UTF8"):
                open_database(url.set(database=name).render_as_string(hide_password=False))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.postgres
def test_the_encoding_that_a_persons_other_programs_ask_for_is_not_ours(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    database = open_database(postgres_url)
    with database.reading() as connection:
        assert connection.scalar(text("SELECT cast(:told AS text)"), {"told": "Łódź 🙂"}) == "Łódź 🙂"
    with psycopg.connect(database.conninfo) as theirs:  # Procrastinate's
        assert theirs.info.encoding == "utf-8"
    database.close()


@pytest.mark.postgres
def test_a_postgres_that_only_reads_is_named(postgres_url: str):
    database = open_database(postgres_url)
    upgrade(database)
    with database.writing() as connection:
        name = make_url(postgres_url).database
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    database.close()
    store = store_on(open_database(postgres_url))
    with pytest.raises(StorageError, match="is read-only"):
        submit(store)
    store.close()
    store.database.close()


def test_what_is_read_while_the_database_is_closed_is_read_to_its_end_and_its_connection_is_closed(database_url: str):
    database = open_database(database_url)
    upgrade(database)
    with database.reading() as connection:
        held = connection.connection.driver_connection
        database.close()
        assert now(connection) > 0
    assert held is not None
    with pytest.raises((sqlite3.ProgrammingError, psycopg.OperationalError), match="closed"):
        held.execute("SELECT 1")


def test_nothing_is_read_from_a_closed_database(database_url: str):
    database = open_database(database_url)
    database.close()
    with pytest.raises(StorageError, match="stopping"), database.reading():
        pass


def test_the_clock_is_the_database_s(database: Database):
    right = time.time()
    with time_machine.travel(timedelta(hours=1)), database.reading() as connection:  # this machine's is wrong
        first, second = now(connection), now(connection)
    assert first == pytest.approx(right, abs=30)
    assert first <= second


def test_every_sentence_is_whole():
    for _, sentence in (*errors._SQLITE, *errors._POSTGRES):
        said = sentence.format(place="The database x", cause="c")
        assert said.endswith(".")
