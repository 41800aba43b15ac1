"""One call through engine.nodes.http, and places to call that no server of ours can play."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from engine.nodes.deadline_adapter import DeadlineAdapter
from engine.nodes.http import exchange
from tests.support.poll import PATIENCE

HEAD = b"HTTP/1.1 200 OK\r\n"


def post(adapter: DeadlineAdapter, url: str, timeout: float = PATIENCE, data: bytes = b"{}") -> Any:
    """An Answer or a NoAnswer, as the test expects it."""
    return exchange(adapter, requests.Request("POST", f"{url}/x", data=data).prepare(), timeout)


@contextlib.contextmanager
def nobody_accepts(host: str = "127.0.0.1") -> Iterator[int]:
    """A port there. A full backlog drops the handshake's packets, as a dead host would."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((host, 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def addresses(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
    """Let the system's resolver give these for any name."""
    known = socket.getaddrinfo

    def resolve(host: str, *asked: Any, **facts: Any) -> list[Any]:
        return [found for one in ([host] if host in hosts else hosts) for found in known(one, *asked, **facts)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
