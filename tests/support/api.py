"""The HTTP API, really served from this process, and callers with keys of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx

from engine.rules.permissions import Actor, Grant, Permission
from retrigger.settings_file import read_settings
from retrigger.up import Running
from retrigger.wiring import App
from tests.support.front import HANNA, Front

OWNER = Actor(HANNA, HANNA, "cli", mail=HANNA, owner=True)
SECOND = "/v1/requests/REQ-1/steps/second"


class Api:
    """One server. ``front`` is the folder that it is of; ``app`` what it has open."""

    def __init__(self, front: Front, app: App, url: str, open_clients: ExitStack) -> None:
        self.front, self.app, self.url = front, app, url
        self._clients = open_clients

    def client(self, key: str | None = None) -> httpx.Client:
        """A client that sends this key. It sees nothing of the environment's proxies."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        client = httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30.0)
        return self._clients.enter_context(client)

    def caller(self, name: str, *permissions: Permission, app: str | None = None) -> httpx.Client:
        """A client with a new key that holds ``permissions``."""
        for permission in permissions:
            self.app.engine.grant(OWNER, Grant(f"key:{name}", permission, app))
        return self.client(self.app.engine.create_key(OWNER, name))


@contextmanager
def serve_api(front: Front, *, engine: bool = True) -> Iterator[Api]:
    """The API of ``front``, with an engine beside it, or without."""
    said: list[str] = []
    running = Running(read_settings(front.settings, {}), said.append)
    app = running.start(engine=engine, api=True)
    with ExitStack() as clients:
        try:
            (url,) = [line.removeprefix("API: ") for line in said if line.startswith("API: ")]
            yield Api(front, app, url, clients)
        finally:
            assert running.stop()


def step(caller: httpx.Client, node: str = "second", request: str = "REQ-1") -> dict[str, Any]:
    """As the request's document has it now."""
    document = caller.get(f"/v1/requests/{request}").json()
    found: dict[str, Any] = next(step for step in document["steps"] if step["node"] == node)
    return found


def problem(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The problem document, which must be of this status and type."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert (document["status"], document["type"]) == (status, f"urn:retrigger:{kind}"), document
    assert document["title"] and document["detail"] and "Traceback" not in response.text
    return document
