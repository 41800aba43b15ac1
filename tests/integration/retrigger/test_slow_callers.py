"""Who sends half a call, or takes half an answer, is hung up on: enough of them would keep everybody else out."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from retrigger.serving import Served, listen, serve
from tests.support.poll import PATIENCE
from tests.support.tcp import drip

_BODY = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n"
_LONG = {"/much": 1_000_000, "/more": 10_000_000}
_WHOLE = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"


class Answering:
    """An ASGI application. It answers a call once its body is there; `/later` when it is told to; `/much` with a
    megabyte, `/more` with ten; `/early` before the body is there."""

    def __init__(self) -> None:
        self.came, self.go_on, self.much_is_over = threading.Event(), threading.Event(), threading.Event()

    async def __call__(self, scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        if scope["type"] != "http":
            return
        message = await receive()
        while message.get("more_body") and scope["path"] != "/early":
            message = await receive()
        if scope["path"] == "/later":
            self.came.set()
            await asyncio.to_thread(self.go_on.wait, PATIENCE)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"transfer-encoding", b"chunked")]})
        if scope["path"] in _LONG:
            await send({"type": "http.response.body", "body": b"x" * _LONG[scope["path"]], "more_body": True})
        await send({"type": "http.response.body", "body": b"done"})
        if scope["path"] == "/much":
            self.much_is_over.set()


@pytest.fixture
def app() -> Answering:
    return Answering()


@pytest.fixture
def served(app: Answering) -> Iterator[Served]:
    listening = listen("127.0.0.1", 0)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)  # so that the system takes little of an answer
    served = serve(app, listening, name="api", grace=1.0, patience=2.0)
    yield served
    served.stop()


def connect(served: Served) -> socket.socket:
    address = urlsplit(served.url)
    return socket.create_connection((address.hostname or "", address.port or 0), PATIENCE)


def is_hung_up_on(line: socket.socket) -> bool:
    """Once all that was answered is read. Raises TimeoutError."""
    with suppress(ConnectionResetError):
        while line.recv(65536):
            pass
    return True


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHo", _BODY + b"half"], ids=["nothing", "head", "body"])
def test_who_sends_half_a_call_is_hung_up_on(served: Served, sent: bytes):
    with connect(served) as line:
        line.sendall(sent)
        assert is_hung_up_on(line)


def test_so_is_who_drips_one_and_who_begins_a_second_one(served: Served):
    with connect(served) as dripping, connect(served) as kept:
        kept.sendall(_WHOLE % b"")
        assert kept.recv(65536).startswith(b"HTTP/1.1 200")
        kept.sendall(b"GET / HTT")
        with pytest.raises(ConnectionError):
            drip(dripping, _BODY + b"x" * 4999)
        assert is_hung_up_on(kept)


def test_so_is_whose_second_call_came_with_the_first_but_not_whole(served: Served):
    with connect(served) as line:
        line.sendall(_WHOLE % b"" + _BODY + b"half")
        assert is_hung_up_on(line)


def test_so_is_who_is_silent_once_the_rest_of_an_answered_call_has_come(served: Served):
    with connect(served) as line:
        line.sendall(_BODY.replace(b"/echo", b"/early") + b"half")
        assert line.recv(65536).startswith(b"HTTP/1.1 200")
        line.sendall(b"x" * 4996)
        assert is_hung_up_on(line)


def test_so_is_who_does_not_take_the_answer(app: Answering, served: Served):
    with connect(served) as line:
        line.sendall(_WHOLE % b"much")
        assert app.much_is_over.wait(PATIENCE)


def test_who_waits_for_an_answer_is_not(app: Answering, served: Served):
    with connect(served) as waiting, connect(served) as silent:
        waiting.sendall(_WHOLE % b"later")
        assert app.came.wait(PATIENCE)
        with connect(served) as later:
            assert is_hung_up_on(silent)
            assert is_hung_up_on(later)  # the other call has been under way for longer than this one was let be
        app.go_on.set()
        assert waiting.recv(65536).startswith(b"HTTP/1.1 200")


def test_who_took_the_answer_is_not_and_may_call_again(served: Served):
    with closing(HTTPConnection(urlsplit(served.url).netloc, timeout=PATIENCE)) as kept:
        kept.request("GET", "/much")
        kept.getresponse().read()
        with connect(served) as later:
            assert is_hung_up_on(later)  # nothing has come of the kept one for longer
        kept.request("GET", "/")
        assert kept.getresponse().read() == b"done"


def test_who_takes_long_for_a_long_answer_is_not(served: Served):
    with closing(HTTPConnection(urlsplit(served.url).netloc, timeout=PATIENCE)) as slow:
        slow.request("GET", "/more")
        answer = slow.getresponse()
        with connect(served) as later:
            assert is_hung_up_on(later)  # who takes so long for a short answer is, too
        assert len(answer.read()) > _LONG["/more"]
