"""The whole server: its address, its people, and its troubles."""

from __future__ import annotations

import threading
from typing import Any

from tests.support.poll import PATIENCE
from tests.support.slack_server import payloads
from tests.support.slack_server.delivery import Deliveries, Delivery
from tests.support.slack_server.faults import Faults
from tests.support.slack_server.person import Person
from tests.support.slack_server.web import WebServer
from tests.support.slack_server.workspace import Json, Workspace

SLACKS = 3.0  # seconds that Slack waits for an acknowledgement, and that a trigger_id lives


class SlackServer:
    """Serves from ``start`` to ``stop``. ``workspace`` is what is in it, ``faults`` what goes wrong and what was
    called, ``deliveries`` what it told the app; ``deliveries.sockets`` are the connections. It has ``patience`` for so
    many seconds where Slack has it for ``SLACKS``: a busy machine would miss those."""

    def __init__(self, facts: Json, host: str = "127.0.0.1", patience: float = PATIENCE) -> None:
        self.workspace = Workspace(facts, patience)
        self.faults = Faults()
        self.deliveries = Deliveries(host, patience)
        self._web: WebServer | None = None
        self._host, self._port = host, 0
        self.back()

    @property
    def url(self) -> str:
        return self.workspace.url

    @property
    def api_url(self) -> str:
        """The base URL that a Slack client is given."""
        return f"{self.url}/api/"

    @property
    def refused(self) -> list[str]:
        """What the app sent that Slack would not take."""
        return self.workspace.refused

    def person(self, user: str) -> Person:
        return Person(self.workspace, self.deliveries, user)

    def event(self, **inner: Any) -> Delivery:
        """Tell the app of an event, say ``type="tokens_revoked"``."""
        return self.deliveries.deliver("events_api", payloads.event(self.workspace, inner))

    def archive(self, channel: str, archived: bool = True) -> None:
        with self.workspace.changed:
            self.workspace.channels[channel]["is_archived"] = archived

    def kick(self, channel: str, user: str) -> None:
        """Out of the channel."""
        with self.workspace.changed:
            self.workspace.channels[channel]["members"] = [
                member for member in self.workspace.channels[channel]["members"] if member != user
            ]

    def invite(self, channel: str, user: str) -> None:
        with self.workspace.changed:
            self.workspace.channels[channel]["members"].append(user)

    def away(self) -> None:
        """Nobody listens any more, and every connection is dead."""
        assert self._web is not None
        self._web.shutdown()
        self._web.server_close()
        self._web = None
        self.deliveries.sockets.stop()

    def back(self) -> None:
        """At the same address again."""
        self.deliveries.sockets.start()
        self._web = WebServer(self.workspace, self.faults, self.deliveries.sockets, self._host, self._port)
        self._port = self._web.server_address[1]
        self.workspace.url = f"http://{self._host}:{self._port}"
        threading.Thread(target=self._web.serve_forever, args=(0.02,), daemon=True, name="slack-web").start()

    def stop(self) -> None:
        self.faults.clear()
        self.deliveries.stop()
        if self._web is not None:
            self.away()

    def __enter__(self) -> SlackServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
