"""Socket Mode's server: up to ten connections, and each payload goes to any one of them."""

from __future__ import annotations

import contextlib
import itertools
import json
import secrets
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from tests.support.slack_server.workspace import Json

MOST = 10


class Sockets:
    """``took`` is called with each acknowledgement: the envelope's id, and the payload in it."""

    def __init__(self, took: Callable[[str, Json], None], host: str) -> None:
        self.connections: list[ServerConnection] = []
        self.opened = 0  # connections since the start
        self._took, self._host = took, host
        self._tickets: set[str] = set()
        self._turns = itertools.count()
        self._lock = threading.Lock()
        self._server: Server | None = None

    def start(self) -> None:
        """Listen on a port of the system's choice."""
        self._server = serve(
            self._talk, self._host, 0, process_request=self._admit, ping_interval=None, close_timeout=0.2
        )
        threading.Thread(target=self._server.serve_forever, daemon=True, name="slack-sockets").start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
        self.cut()

    def address(self) -> str:
        """An address for one connection."""
        assert self._server is not None
        ticket = secrets.token_hex(8)
        self._tickets.add(ticket)
        return f"ws://{self._host}:{self._server.socket.getsockname()[1]}/link/?ticket={ticket}"

    def send(self, envelope: Json) -> bool:
        """To the connections in turn; False when there is none."""
        with self._lock:
            open_now = list(self.connections)
        for _ in open_now:
            connection = open_now[next(self._turns) % len(open_now)]
            with contextlib.suppress(ConnectionClosed):
                connection.send(json.dumps(envelope))
                return True
        return False

    def disconnect(self, reason: str, *, close: bool = True, number: int = MOST) -> None:
        """Say to the oldest ``number`` connections that they end: "warning", "refresh_requested",
        "too_many_websockets", "link_disabled". A warning closes nothing, whatever ``close`` says."""
        with self._lock:
            going = self.connections[:number]
        for connection in going:
            with contextlib.suppress(ConnectionClosed):
                connection.send(_goodbye(reason))
            if close and reason != "warning":
                connection.close()

    def cut(self) -> None:
        """Every line goes dead, with no word."""
        with self._lock:
            going = list(self.connections)
        for connection in going:
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        ticket = request.path.rpartition("ticket=")[2]
        if ticket in self._tickets:
            self._tickets.remove(ticket)
            return None
        return connection.respond(HTTPStatus.UNAUTHORIZED, "an address is good for one connection")

    def _talk(self, connection: ServerConnection) -> None:
        with self._lock:
            room = len(self.connections) < MOST
            if room:
                self.connections.append(connection)
                self.opened += 1
            number = len(self.connections)
        try:
            if not room:
                connection.send(_goodbye("too_many_websockets"))
                return
            connection.send(json.dumps({"type": "hello", "num_connections": number, "debug_info": {}}))
            for text in connection:
                said = json.loads(text)
                self._took(said["envelope_id"], said.get("payload") or {})
        except ConnectionClosed:
            pass
        finally:
            with self._lock, contextlib.suppress(ValueError):
                self.connections.remove(connection)


def _goodbye(reason: str) -> str:
    return json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "here"}})
