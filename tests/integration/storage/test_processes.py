"""Several processes on one SQLite file."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from engine.errors import StorageError
from storage.lock import EngineLock
from storage.migrations import upgrade
from storage.store import SqlStore
from tests.integration.storage.conftest import OpenDatabase
from tests.integration.storage.helpers import GRAPH, bump, submit
from tests.support.poll import PATIENCE

BUMP = """
import sys
from storage.database import open_database
from storage.store import SqlStore
from tests.integration.storage.helpers import GRAPH, bump
store = SqlStore(open_database(sys.argv[1]), lambda name, version: GRAPH, lambda app: False)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(100):
    store.change(int(sys.argv[2]), bump)
store.close()
"""

HOLD = """
import os, sys
from storage.database import open_database
from storage.lock import EngineLock
lock = EngineLock(open_database(sys.argv[1]))
lock.acquire()
print(os.getpid(), flush=True)
sys.stdin.readline()
"""


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts programs, which end with the test."""
    root = Path(__file__).parents[3]
    with ExitStack() as started:

        def run(program: str, *arguments: str) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", program, *arguments]
            process = subprocess.Popen(command, cwd=root, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            started.enter_context(process)
            started.callback(process.kill)
            return process

        yield run


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_two_processes_and_a_busy_thread_lose_no_change(sqlite_url: str, open_at: OpenDatabase, start: Start):
    database = open_at(sqlite_url)
    upgrade(database)
    with closing(SqlStore(database, lambda name, version: GRAPH, lambda app: False)) as store:
        request_id = submit(store)
        others = [start(BUMP, sqlite_url, str(request_id)) for _ in range(2)]
        assert [line_of(other) for other in others] == ["ready", "ready"]
        for other in others:
            assert other.stdin is not None
            other.stdin.write("go\n")
            other.stdin.flush()
        futures = [store.change_soon(request_id, bump) for _ in range(2000)]
        for future in futures:
            future.result(PATIENCE)
        for other in others:
            other.communicate(timeout=PATIENCE)
            assert other.returncode == 0
        assert next(step for step in store.status(request_id)[1] if step.node == "second").retries == 2200


def test_a_second_engine_is_refused_by_the_name_of_the_first(sqlite_url: str, open_at: OpenDatabase, start: Start):
    holder = start(HOLD, sqlite_url)
    pid = line_of(holder)
    database = open_at(sqlite_url)
    lock = EngineLock(database)
    with pytest.raises(StorageError, match=f"process {pid}"):
        lock.acquire()
    holder.kill()
    holder.communicate(timeout=PATIENCE)
    with lock:
        assert lock._holder() != pid


def test_an_engine_that_stopped_makes_way(sqlite_url: str, open_at: OpenDatabase):
    database = open_at(sqlite_url)
    with EngineLock(database):
        pass
    with EngineLock(database):
        pass


def test_a_lock_that_cannot_be_written_says_so(tmp_path: Path, open_at: OpenDatabase):
    (tmp_path / "x.db.lock").mkdir()
    database = open_at(f"sqlite:///{tmp_path}/x.db")
    with pytest.raises(StorageError, match="cannot be written"):
        EngineLock(database).acquire()


def test_a_lock_on_a_full_disk_says_so(sqlite_url: str, open_at: OpenDatabase, monkeypatch: pytest.MonkeyPatch):
    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    database = open_at(sqlite_url)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(StorageError, match=r"cannot be written: No space left on device\."):
            EngineLock(database).acquire()
    with EngineLock(database):
        pass
