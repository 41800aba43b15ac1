"""An ASGI application in a thread of this process: from its socket to a clean stop."""

from __future__ import annotations

import asyncio
import math
import resource
import socket
import threading
import time
from functools import partial
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from engine.errors import RetriggerError, SettingsError
from engine.limits import MAX_INPUT_BYTES

START_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 75  # longer than clients and proxies keep theirs, so that nobody writes to one just closed
PATIENCE_SECONDS = 60.0  # in which a call must have come whole, and in which each mebibyte of its answer must be taken
_MORE = 2.0  # seconds that the thread gets beyond the grace of its calls
_CONNECTIONS = 512  # at once; fewer where that is more than a quarter of the files that the process may open
_BACKLOG = 64  # asyncio takes so many before it comes to the first of them


class _Deadline:
    """Hangs up on the other side, unless what has begun is over in time."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._transport.abort)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Bounded(H11Protocol):
    """Hangs up on who comes when there are too many: each connection is an open file, and the engine in the same
    process needs some for its own calls. Without this, whoever only connects blocks other people's requests. And on
    who sends no whole call, or does not take its answer: uvicorn waits for them for ever, and enough of them would keep
    everybody else out."""

    _coming: _Deadline  # of a call: uvicorn has a limit of its own between two of them only
    _going: _Deadline  # of an answer

    def __init__(self, patience: float, **made: Any) -> None:
        super().__init__(**made)
        self._patience = patience

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own has it
        super().connection_made(transport)
        self._coming, self._going = _Deadline(transport), _Deadline(transport)
        transport.set_write_buffer_limits(0)  # so that it is told of every byte that is not taken
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = _CONNECTIONS if files == resource.RLIM_INFINITY else min(_CONNECTIONS, files // 4)
        if len(self.connections) > most:
            transport.abort()
        else:
            self._coming.begin(self._patience)

    def handle_events(self) -> None:
        """What came is looked at, and what came before an answer once that was given."""
        super().handle_events()
        is_idle = self.conn.their_state is h11.IDLE and self.timeout_keep_alive_task is not None
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY) and not is_idle:
            self._coming.begin(self._patience)
        else:
            self._coming.end()

    def pause_writing(self) -> None:
        """It was given as a whole: no call is answered in parts."""
        super().pause_writing()
        untaken = self.transport.get_write_buffer_size()
        self._going.begin(self._patience * max(1.0, untaken / MAX_INPUT_BYTES))

    def resume_writing(self) -> None:
        super().resume_writing()
        self._going.end()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._coming.end()
        self._going.end()


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


def serve(app: Any, listening: socket.socket, *, name: str, grace: float, patience: float = PATIENCE_SECONDS) -> Served:
    """Serve the ASGI ``app`` from a thread; ``grace``: seconds that calls under way get when it is stopped;
    ``patience``: those in which a call must have come, and those in which each mebibyte of its answer must be taken."""
    config = uvicorn.Config(
        app,
        http=cast(Any, partial(_Bounded, patience)),
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
