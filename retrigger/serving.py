"""An ASGI application in a thread of this process: from its socket to a clean stop."""

from __future__ import annotations

import asyncio
import math
import resource
import socket
import threading
import time
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from engine.errors import RetriggerError, SettingsError

START_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 75  # longer than clients and proxies keep theirs, so that nobody writes to one just closed
_MORE = 2.0  # seconds that the thread gets beyond the grace of its calls
_CONNECTIONS = 512  # at once; fewer where that is more than a quarter of the files that the process may open
_BACKLOG = 64  # asyncio takes so many before it comes to the first of them


class _Bounded(H11Protocol):
    """Hangs up on who comes when there are too many: each connection is an open file, and the engine in the same
    process needs some for its own calls. Without this, whoever only connects blocks other people's requests."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = _CONNECTIONS if files == resource.RLIM_INFINITY else min(_CONNECTIONS, files // 4)
        if len(self.connections) > most:
            transport.abort()


class Served:
    """A running service. ``url`` is its address on this machine."""

    def __init__(self, server: uvicorn.Server, thread: threading.Thread, url: str, grace: float) -> None:
        self._server, self._thread, self._grace = server, thread, grace
        self.url = url

    def stop(self) -> None:
        """Take no more calls, let those under way end within the grace, and end the thread."""
        self._server.should_exit = True
        self._thread.join(self._grace + _MORE)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises SettingsError with what to do when it cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise SettingsError(f"api.host: {host} is no address of this machine: {error.strerror}.") from None
    # asyncio sends at once (TCP_NODELAY) only where the protocol is named; else every answer takes 40 ms.
    listening = socket.socket(family, kind, protocol)
    try:
        # Without it, connections of the last run that linger in TIME_WAIT would make the port look taken.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"Port {port} of {host} cannot be had: {(error.strerror or str(error)).lower()}. "
            "Stop what has it, or set another with api.port or RETRIGGER_API_PORT."
        ) from None
    return listening


def serve(app: Any, listening: socket.socket, *, name: str, grace: float) -> Served:
    """Serve the ASGI ``app`` from a thread; ``grace``: seconds that calls under way get when it is stopped."""
    config = uvicorn.Config(
        app,
        http=_Bounded,
        backlog=_BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(grace),
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), name=name, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RetriggerError(f"The thread {name} did not start to serve.")
        time.sleep(0.005)
    host, port = listening.getsockname()[:2]
    return Served(server, thread, f"http://{f'[{host}]' if ':' in host else host}:{port}", grace)
