"""PostgreSQL goes away: between transactions, in one, and just as one is committed."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, make_url

from engine.errors import StorageError
from storage.database import Database, open_database
from storage.migrations import upgrade
from storage.store import SqlStore
from tests.integration.storage.helpers import GRAPH, note, submit

pytestmark = pytest.mark.postgres


class Proxy:
    """Stands between the store and PostgreSQL. ``cut_at_commit``: pass on a COMMIT, or swallow it, and hang up."""

    def __init__(self, target: URL) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.cut_at_commit: str | None = None
        self.url = target.set(host="127.0.0.1", port=self._listener.getsockname()[1], query={})
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = self._connect()
                self._sockets += [client, server]
                self._start(self._pump, client, server, True)
                self._start(self._pump, server, client, False)

    def _start(self, run: Callable[..., None], *arguments: object) -> None:
        self._threads.append(threading.Thread(target=run, args=arguments, daemon=True))
        self._threads[-1].start()

    def _connect(self) -> socket.socket:
        folder = self._target.query.get("host") or self._target.host
        if isinstance(folder, str) and folder.startswith("/"):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(str(Path(folder) / f".s.PGSQL.{self._target.port or 5432}"))
            return connection
        return socket.create_connection((self._target.host or "127.0.0.1", self._target.port or 5432))

    def _pump(self, source: socket.socket, sink: socket.socket, upwards: bool) -> None:
        swallow = False
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if upwards and self.cut_at_commit and b"COMMIT\0" in data:  # not READ COMMITTED
                    hang_up(source)
                    swallow, self.cut_at_commit = self.cut_at_commit == "before", None
                if not swallow:
                    sink.sendall(data)
        hang_up(source)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)  # it may finish what it has begun

    def cut(self) -> None:
        """Break every connection that there is."""
        for connection in self._sockets:
            hang_up(connection)

    def refuse(self) -> None:
        """Take no new connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def close(self) -> None:
        self.refuse()
        self.cut()
        for thread in self._threads:
            thread.join(5)
        for connection in self._sockets:
            connection.close()


def hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(postgres_url: str) -> Iterator[Proxy]:
    database = open_database(postgres_url)
    upgrade(database)
    database.close()
    proxy = Proxy(make_url(postgres_url))
    yield proxy
    proxy.close()


@pytest.fixture
def store(proxy: Proxy) -> Iterator[SqlStore]:
    database: Database = open_database(proxy.url.render_as_string(hide_password=False))
    store = SqlStore(database, lambda name, version: GRAPH, lambda app: False)
    yield store
    store.close()
    database.close()


def noted(store: SqlStore, request_id: int) -> list[str | None]:
    return [event.reason for event in store.detail(request_id).events[1:]]


def test_a_connection_that_died_while_idle_is_replaced(proxy: Proxy, store: SqlStore):
    request_id = submit(store)
    proxy.cut()
    assert store.change(request_id, note("on")) == "on"
    assert noted(store, request_id) == ["on"]


def test_a_commit_whose_answer_was_lost_counts_once(proxy: Proxy, store: SqlStore):
    request_id = submit(store)
    proxy.cut_at_commit = "after"
    assert store.change(request_id, note("once")) == "once"
    assert noted(store, request_id) == ["once"]


def test_a_commit_that_did_not_arrive_is_done_again(proxy: Proxy, store: SqlStore):
    request_id = submit(store)
    proxy.cut_at_commit = "before"
    assert store.change(request_id, note("once")) == "once"
    assert noted(store, request_id) == ["once"]


def test_a_commit_whose_fate_cannot_be_learned_says_so(proxy: Proxy, store: SqlStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("storage.transaction._LOOK_UPS", 2)
    request_id = submit(store)
    store.database.engine.dispose()
    proxy.cut_at_commit = "after"
    proxy.refuse()
    with pytest.raises(StorageError, match="not known whether this was stored"):
        store.change(request_id, note("perhaps"))


def test_a_server_that_stays_away_fails_the_write_in_a_sentence(proxy: Proxy, store: SqlStore):
    request_id = submit(store)
    proxy.refuse()
    proxy.cut()
    with pytest.raises(StorageError, match="cannot be reached"):
        store.change(request_id, note("x"))
