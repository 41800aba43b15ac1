"""A door to PostgreSQL that a test can close, or slam just as somebody commits."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.engine import URL

from tests.support.poll import PATIENCE


class Proxy:
    """Stands between the store and PostgreSQL. ``cut_at_commit``: pass on a COMMIT, or swallow it, and hang up."""

    def __init__(self, target: URL) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self.cut_at_commit: str | None = None
        self.url = target.set(host="127.0.0.1", port=self._port, query={})
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            listener = self._listener
            while True:
                client, _ = listener.accept()
                server = self._connect()
                if server is None:
                    client.close()
                    continue
                self._sockets += [client, server]
                self._start(self._pump, client, server, True)
                self._start(self._pump, server, client, False)

    def _start(self, run: Callable[..., None], *arguments: object) -> None:
        self._threads.append(threading.Thread(target=run, args=arguments, daemon=True))
        self._threads[-1].start()

    def _connect(self) -> socket.socket | None:
        """None when there is no server at present."""
        folder = self._target.query.get("host") or self._target.host
        try:
            if not isinstance(folder, str) or not folder.startswith("/"):
                return socket.create_connection((self._target.host or "127.0.0.1", self._target.port or 5432))
            with contextlib.ExitStack() as on_error:
                connection = on_error.enter_context(socket.socket(socket.AF_UNIX))
                connection.connect(str(Path(folder) / f".s.PGSQL.{self._target.port or 5432}"))
                on_error.pop_all()
            return connection
        except OSError:
            return None

    def _pump(self, source: socket.socket, sink: socket.socket, upwards: bool) -> None:
        swallow = False
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if upwards and self.cut_at_commit and b"COMMIT\0" in data:  # not READ COMMITTED
                    _hang_up(source)
                    swallow, self.cut_at_commit = self.cut_at_commit == "before", None
                if not swallow:
                    sink.sendall(data)
        _hang_up(source)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)  # it may finish what it has begun

    def cut(self) -> None:
        """Break every connection that there is."""
        for connection in self._sockets:
            _hang_up(connection)

    def refuse(self) -> None:
        """Take no new connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def accept(self) -> None:
        """Take new connections again."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._start(self._accept)

    def close(self) -> None:
        self.refuse()
        self.cut()
        for thread in self._threads:
            thread.join(PATIENCE)
        for connection in self._sockets:
            connection.close()


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
