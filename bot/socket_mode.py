"""Socket Mode: connections that the bot opens itself, so that no public address is needed.

Two of them: Slack ends each every few hours, and closes it some seconds after it said so. A line that is told to go
opens the next connection first and listens on the old one until Slack has closed it, so that nothing is lost. What
comes on both is known by Arrival. After a gap of both there is nothing to catch up with: cards are kept true by the
engine's events, App Home is made when it is opened, and a click that was lost has changed nothing.
"""

from __future__ import annotations

import logging
import random
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event as Flag
from threading import Lock, Thread
from typing import Any, cast

from slack_bolt import App
from slack_bolt.adapter.socket_mode.internals import run_bolt_app, send_response
from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.errors import NotReached, SlackError, TokenRefused, translate
from bot.threads import ARRIVING
from engine.logs import logger

CONNECTIONS = 2  # Slack allows 10
PING = 2  # seconds between pings; after four without an answer the connection is opened anew
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0  # seconds between tries while Slack cannot be reached
WATCH = 0.2  # seconds between looks at whether a connection stands
LINGER = 15.0  # seconds that an old connection is listened to at the most; Slack says about 10

log = logger(__name__)


class SocketRunner:
    """Keeps the connections to Slack. ``start`` returns at once and never fails: where Slack cannot be reached, it
    says so and tries on."""

    def __init__(self, app: App, app_token: str, connections: int = CONNECTIONS) -> None:
        self._app = app
        self._app_token = app_token
        self._stopping = Flag()
        self.lines = [Line(self._client, self._say, self._stopping) for _ in range(connections)]
        self._said: str | None = None  # nothing yet
        self._lock = Lock()

    def start(self) -> None:
        """Begin to connect, in threads of their own."""
        self._stopping.clear()
        for line in self.lines:
            line.start()

    def stop(self) -> None:
        """Close the connections, when what came on them is dealt with."""
        self._stopping.set()
        for line in self.lines:
            line.join()

    @property
    def connected(self) -> bool:
        """Whether Slack can reach us now."""
        return any(line.connected for line in self.lines)

    def _client(self, wake: Callable[[], None]) -> Client:
        client = Client(
            self._app_token,
            logger=_quiet_logger(),
            web_client=self._app.client,
            ping_interval=PING,
            concurrency=ARRIVING,
            auto_reconnect_enabled=False,  # the line does it, with growing pauses
        )
        client.on_leaving = wake
        client.socket_mode_request_listeners.append(self._handle)
        return client

    def _handle(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        started = time.time()
        response = run_bolt_app(self._app, request)
        try:
            send_response(client, request, response, started)
        except SlackClientError as error:
            log.info("socket.unanswered", says=f"Slack could not be told that a payload has come: {error}")

    def _say(self, trouble: str) -> None:
        """Each trouble once, when no line stands, and once that it is over."""
        with self._lock:
            if trouble and self.connected:
                log.info("socket.one_lost", says=trouble)
            elif trouble != self._said:
                self._said = trouble
                if trouble:
                    log.warning("socket.lost", says=f"{trouble} Trying again. {LOST}")
                else:
                    log.info("socket.connected", says="Connected to Slack.")


LOST = "Until then clicks are lost, so click again later; what is to be told waits in the outbox."


class Client(SocketModeClient):
    """One connection, for as long as it lasts. Slack's word that it ends soon is passed on to ``on_leaving``."""

    leaving = False
    on_leaving: Callable[[], None]

    def connect_to_new_endpoint(self, force: bool = False) -> None:
        """Slack said that the connection ends. What came on it is still to be answered, so it is not given up yet."""
        self.leaving = True
        self.on_leaving()

    def issue_new_wss_url(self) -> str:
        """Without the sleep of the library where Slack asks to wait, which nothing could end."""
        return str(self.web_client.apps_connections_open(app_token=self.app_token)["url"])

    def open(self) -> None:
        """Raises SlackError."""
        try:
            self.wss_uri = None  # an address is good for one try
            self.connect()
        except Exception as raised:
            raise translate(raised) from raised
        session = self.current_session
        if session is None or session.sock is None:
            raise NotReached("websocket", "Slack's socket cannot be opened.")
        session.sock = cast(Any, _Ending(session.sock))

    def disconnect(self) -> None:
        """The library looks whether the socket is there before it takes the lock: its reader may close it meanwhile."""
        with suppress(AttributeError):
            super().disconnect()

    def end(self) -> None:
        """Close at once: left alone, its reader notices only when its receive times out after 3 s."""
        session = self.current_session
        sock = None if session is None else session.sock
        if sock is not None:
            with suppress(OSError):  # the other side was quicker
                sock.shutdown(socket.SHUT_RDWR)
        self.close()


class _Ending:
    """A socket whose end is an error. The library reads nothing from a socket that the other side has closed, again
    and again, until its pings have gone unanswered for long enough."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def recv(self, size: int) -> bytes:
        received = self._sock.recv(size)
        if not received:
            raise ConnectionResetError("Slack closed the connection.")
        return received

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class Line:
    """One place of the connections, with one after the other in it. ``say`` is told each trouble, and "" when it is
    over."""

    def __init__(
        self, new_client: Callable[[Callable[[], None]], Client], say: Callable[[str], None], stopping: Flag
    ) -> None:
        self._new_client, self._say, self._stopping = new_client, say, stopping
        self._wake = Flag()
        self._old: list[tuple[float, Client]] = []
        self.client: Client | None = None
        self._thread: Thread | None = None

    def start(self) -> None:
        self._thread = Thread(target=self._run, name="socket-mode", daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._wake.set()
        if self._thread is not None:
            self._thread.join(10)

    @property
    def connected(self) -> bool:
        return self.client is not None and self.client.is_connected()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            if not self.connected or (self.client is not None and self.client.leaving):
                self._renew()
            self._end_old(time.monotonic())
            self._wake.wait(WATCH)
        self._end_old(float("inf"))
        if self.client is not None:
            self.client.end()

    def _renew(self) -> None:
        """The next connection, whatever becomes of the last one."""
        if self.client is not None and not self.connected:
            self._say("The connection to Slack is lost.")
        client = self._connect()
        if client is None:
            return
        if self.client is not None:
            self._old.append((time.monotonic() + LINGER, self.client))
        self.client = client
        self._say("")

    def _connect(self) -> Client | None:
        """Try until it works, or until we stop."""
        wait = FIRST_WAIT
        while not self._stopping.is_set():
            client = self._new_client(self._wake.set)
            try:
                client.open()
            except SlackError as error:
                client.end()
                self._say(f"{error}{_hint(error)}")
                self._stopping.wait(max(error.wait or 0.0, wait * random.uniform(0.5, 1.0)))
                wait = min(LONGEST_WAIT, wait * 2)
            else:
                return client
        return None

    def _end_old(self, now: float) -> None:
        for entry in list(self._old):
            until, client = entry
            if now >= until or not client.is_connected():
                self._old.remove(entry)
                client.end()


def _hint(error: SlackError) -> str:
    if isinstance(error, TokenRefused):
        return " Check SLACK_APP_TOKEN: an app-level token (xapp-…) with connections:write."
    return ""


def _quiet_logger() -> logging.Logger:
    """The library says at each look that it could not connect, with its own words; our sentences are enough."""
    logger = logging.getLogger("bot.socket_mode.connection")
    logger.setLevel(logging.CRITICAL)
    return logger
