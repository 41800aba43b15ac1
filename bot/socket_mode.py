"""Socket Mode: a connection that the bot opens itself, so that no public address is needed."""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from threading import Event as Flag
from threading import Thread

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.socket_mode.builtin import SocketModeClient

from bot.errors import SlackError, TokenRefused, translate

PING = 2  # seconds between pings; after four without an answer the connection is opened anew
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0  # seconds between tries while Slack cannot be reached
WATCH = 1.0  # seconds between looks at whether we are connected, for the log
THREADS = 32  # payloads handled at once

log = logging.getLogger(__name__)


class SocketRunner:
    """Keeps one connection to Slack. ``start`` returns at once and never fails: where Slack cannot be reached, it says
    so and tries on."""

    def __init__(self, app: App, app_token: str) -> None:
        self._app = app
        self._app_token = app_token
        self.client: SocketModeClient | None = None
        self._stopping = Flag()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin to connect, in a thread of its own."""
        self._stopping.clear()
        self.client = SocketModeHandler(
            self._app, self._app_token, logger=_quiet_logger(), ping_interval=PING, concurrency=THREADS
        ).client
        self._thread = Thread(target=self._run, args=(self.client,), name="socket-mode", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the connection."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(10)
        if self.client is not None:
            _close(self.client)

    @property
    def connected(self) -> bool:
        """Whether Slack can reach us now."""
        return self.client is not None and self.client.is_connected()

    def _run(self, client: SocketModeClient) -> None:
        self._connect(client)
        connected = True
        while not self._stopping.wait(WATCH):  # the client connects anew by itself; here it is only said
            if client.is_connected() != connected:
                connected = not connected
                if connected:
                    log.info("Connected to Slack again.")
                else:
                    log.warning("The connection to Slack is lost; trying to connect again every %s s.", PING)

    def _connect(self, client: SocketModeClient) -> None:
        """Try until it works, or until we stop."""
        wait = FIRST_WAIT
        while not self._stopping.is_set():
            try:
                client.wss_uri = None  # an address is good for one try
                client.connect()
            except Exception as raised:
                error = translate(raised)
                log.warning("%s %s Trying again in %g s.", error, _hint(error), wait)
                self._stopping.wait(wait)
                wait = min(LONGEST_WAIT, wait * 2)
            else:
                log.info("Connected to Slack.")
                return


def _close(client: SocketModeClient) -> None:
    """Close the connection at once: left alone, its reader notices only when its receive times out after 3 s."""
    client.auto_reconnect_enabled = False
    session = client.current_session
    if session is not None and session.sock is not None:
        with suppress(OSError):  # the other side was quicker
            session.sock.shutdown(socket.SHUT_RDWR)
    client.close()


def _hint(error: SlackError) -> str:
    if isinstance(error, TokenRefused):
        return "Check SLACK_APP_TOKEN: an app-level token (xapp-…) with connections:write."
    return "Until then clicks are lost, so click again later; what is to be told waits in the outbox."


def _quiet_logger() -> logging.Logger:
    """The library says at each look that it could not reconnect, with its own words; its errors are enough."""
    logger = logging.getLogger("bot.socket_mode.connection")
    logger.setLevel(logging.CRITICAL)
    return logger
