"""Input that nobody sends in good faith: refused or handled, quickly, and the server goes on."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from engine.limits import MAX_INPUT_BYTES
from engine.rules.permissions import Permission
from tests.support.api import OWNER, Api, serve_api
from tests.support.front import Front

SUBMIT = "/v1/workflows/steps/requests"
JSON = {"Content-Type": "application/json"}
MANY = 1_000_000
PATIENCE = 60.0  # seconds; all of these take far less than one when nothing else runs


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, httpx.Client]]:
    front = Front(tmp_path_factory.mktemp("wild"), "sqlite:///retrigger.db")
    with serve_api(front) as api:
        yield api, api.caller("ci", Permission.ADMIN)


KEYS = {f"k{number}": number for number in range(60_000)}
BODIES = [
    # what is sent, the status
    pytest.param(json.dumps({"input": {"name": "Ada", "note": "x" * MANY}}), 201, id="a million characters"),
    pytest.param(json.dumps({"input": {"name": "Ada", "note": "é" * 170_000}}), 201, id="a million bytes when escaped"),
    pytest.param(json.dumps({"input": {"name": "x" * MAX_INPUT_BYTES}}), 413, id="just over the limit"),
    pytest.param(json.dumps({"input": {"name": "x" * 300_000}}), 422, id="a title that would be too long to render"),
    pytest.param(b'{"input": ' + b"[" * MANY, 400, id="a million brackets"),
    pytest.param(b"[" * MANY + b"]" * 10_000, 400, id="a body of brackets"),
    pytest.param(b'{"input": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, 400, id="deep objects"),
    pytest.param(b'{"input": {"name": "a\\u0000b"}}', 201, id="an escaped NUL"),
    pytest.param(b'{"input": {"name": "a\x00b"}}', 400, id="a NUL byte"),
    pytest.param(b'{"input": {"name": "\\ud800"}}', 201, id="half a surrogate pair, escaped"),
    pytest.param(b'{"input": {"name": "\xed\xa0\x80"}}', 400, id="half a surrogate pair, in UTF-8"),
    pytest.param(b'{"input": {"name": "\xff\xfe"}}', 400, id="invalid UTF-8"),
    pytest.param('{"input": {"name": 1}}'.encode("utf-16"), 400, id="UTF-16"),
    pytest.param(b'{"input": {"name": ' + b"9" * MANY + b"}}", 422, id="a number of a million digits"),
    pytest.param(b'{"input": {"name": 1e999999}}', 400, id="a number that is infinite"),
    pytest.param(
        json.dumps({"input": {"name": "Ada", "map": {f"k{n}": n for n in range(60_000)}}}),
        201,
        id="sixty thousand keys",
    ),
    pytest.param(b'{"input": {"name": "\xf3\xa0\x81\x81\xe2\x80\xae"}}', 201, id="marks that nobody sees"),
    pytest.param(b"\xef\xbb\xbf" + b'{"input": {"name": "BOM"}}', 201, id="a byte order mark"),
    pytest.param(b'"' * 500_000, 400, id="half a million quotes"),
    pytest.param(b"\\" * MANY, 400, id="a million backslashes"),
    pytest.param(b" " * MANY, 400, id="a million spaces"),
]


@pytest.mark.parametrize(("body", "status"), BODIES)
def test_a_wild_body_is_refused_or_handled(served: tuple[Api, httpx.Client], body: str | bytes, status: int):
    api, ci = served
    begun = time.monotonic()

    answer = ci.post(SUBMIT, content=body, headers=JSON)

    assert answer.status_code == status, answer.text[:500]
    assert len(answer.content) < 2000
    if status == 201:
        api.front.wait(answer.json()["id"], "completed")
        shown = ci.get(answer.headers["location"])
        assert shown.json()["input"] == json.loads(body)["input"]
        assert ci.get("/v1/requests", params={"limit": 1}).json()["requests"][0]["id"] == answer.json()["id"]
    assert time.monotonic() - begun < PATIENCE


@pytest.mark.parametrize(
    "path",
    [
        "/v1/requests/%00",
        "/v1/requests/%ff%fe",
        "/v1/requests/1%0a",
        "/v1/requests/%d9%a1",  # an Arabic digit
        f"/v1/requests/{'1' * 5000}",
        "/v1/requests/1/steps/%00/retrigger",
        f"/v1/requests/1/steps/{'n' * 5000}/retrigger",
        "/v1/requests/1/steps/%ed%a0%80/retrigger",
        "/v1/requests/..%2f..%2fetc/steps/x/retrigger",
        "/v1/requests?app=%00&status=%00&cursor=%00&limit=%00",
        "/v1/requests?limit=99999999999999999999",
        "/v1/workflows/%f0%9f%92%a5/requests",
    ],
)
def test_a_wild_address_is_refused(served: tuple[Api, httpx.Client], path: str):
    method = "GET" if path.count("/") == 3 and "retrigger" not in path else "POST"

    answer = served[1].request(method, path, json=None if method == "GET" else {})

    assert answer.status_code in (404, 405, 422), answer.text
    assert len(answer.content) < 3000


def endless(sent: list[int], chunk: int = 65536) -> Iterator[bytes]:
    while True:
        sent[0] += chunk
        yield b"x" * chunk


@pytest.mark.parametrize("size", [MAX_INPUT_BYTES + 1, 4 * MAX_INPUT_BYTES])
def test_a_body_in_chunks_that_is_too_large_is_told_so(served: tuple[Api, httpx.Client], size: int):
    def chunks() -> Iterator[bytes]:
        for start in range(0, size, 65536):
            yield b"x" * min(65536, size - start)

    answer = served[1].post(SUBMIT, content=chunks(), headers=JSON)

    assert (answer.status_code, answer.headers["connection"]) == (413, "close")


def test_a_body_without_an_end_is_cut_off(served: tuple[Api, httpx.Client]):
    sent = [0]

    try:
        status = served[1].post(SUBMIT, content=endless(sent), headers=JSON).status_code
    except httpx.TransportError:  # the connection was closed while it was still sending
        status = 413

    assert status == 413
    assert sent[0] < 100 * MAX_INPUT_BYTES


def talk(api: Api, text: bytes) -> bytes:
    """What the server answers to bytes that no client would send."""
    address = urlsplit(api.url)
    received = b""
    with socket.create_connection((address.hostname or "", address.port or 0), PATIENCE) as line:
        try:
            line.sendall(text)
            line.shutdown(socket.SHUT_WR)
            while part := line.recv(65536):
                received += part
        except OSError:
            pass  # it hung up
    return received


@pytest.mark.parametrize(
    "text",
    [
        b"\x00\x01\x02\xff" * 1000 + b"\r\n\r\n",
        b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X-A: " + b"a" * MANY + b"\r\n\r\n",
        b"POST " + SUBMIT.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST " + SUBMIT.encode() + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nIdempotency-Key: \x00\r\n\r\n",
    ],
)
def test_what_is_no_http_is_answered_400_or_hung_up_on(served: tuple[Api, httpx.Client], text: bytes):
    answered = talk(served[0], text)

    assert not answered or answered.split()[1] in (b"400", b"401", b"431")


def test_a_body_that_ends_too_early_does_nothing(served: tuple[Api, httpx.Client]):
    api, ci = served
    before = len(api.front.json("list"))
    key = ci.headers["authorization"].encode()
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Type: application/json\r\n" % (
        SUBMIT.encode(),
        key,
    )

    talk(api, head + b'Content-Length: 1000\r\n\r\n{"input": {"name": "Ada"}}')

    assert len(api.front.json("list")) == before


def test_a_key_that_is_revoked_while_its_caller_is_still_sending_does_nothing(
    served: tuple[Api, httpx.Client], monkeypatch: pytest.MonkeyPatch
):
    """Else whoever holds a call open would hold its key."""
    monkeypatch.setattr("retrigger.api.reading._SLOW", 0.0)
    api = served[0]
    caller = api.caller("leaver", Permission.ADMIN)
    address, before = urlsplit(api.url), len(api.front.json("list"))
    body = b'{"input": {"name": "Ada"}}'
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n%sContent-Length: %d\r\n\r\n" % (
        SUBMIT.encode(),
        caller.headers["authorization"].encode(),
        b"Content-Type: application/json\r\nExpect: 100-continue\r\nConnection: close\r\n",
        len(body),
    )
    with socket.create_connection((address.hostname or "", address.port or 0), PATIENCE) as line:
        line.sendall(head)
        assert line.recv(1000).startswith(b"HTTP/1.1 100 Continue")  # the key is known, and the body wanted
        api.app.engine.revoke_key(OWNER, "leaver")
        line.sendall(body)
        answered = line.recv(1000)

    assert answered.startswith(b"HTTP/1.1 401 ")
    assert len(api.front.json("list")) == before


def test_calls_are_answered_while_others_are_slow_and_many(served: tuple[Api, httpx.Client]):
    """Half-open calls take no thread, and a parser at work does not hold up the others."""
    api, ci = served
    address = urlsplit(api.url)
    half = b"POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: 100\r\n\r\n{" % (
        SUBMIT.encode(),
        ci.headers["authorization"].encode(),
    )
    lines = [socket.create_connection((address.hostname or "", address.port or 0)) for _ in range(100)]
    answers: list[Any] = []
    try:
        for line in lines:
            line.sendall(half)
        heavy = [
            threading.Thread(target=lambda: answers.append(ci.post(SUBMIT, content=b"[" * MANY, headers=JSON)))
            for _ in range(8)
        ]
        for thread in heavy:
            thread.start()
        begun = time.monotonic()
        assert ci.get("/healthz").status_code == 200
        waited = time.monotonic() - begun
        for thread in heavy:
            thread.join()
    finally:
        for line in lines:
            line.close()
    assert [answer.status_code for answer in answers] == [400] * 8
    assert waited < PATIENCE


def test_a_caller_who_hangs_up_within_its_body_leaves_nothing_in_the_log(
    served: tuple[Api, httpx.Client], caplog: pytest.LogCaptureFixture
) -> None:
    api, client = served
    place = urlsplit(api.url)
    for _ in range(3):
        with socket.create_connection((place.hostname, place.port or 80)) as caller:
            head = ["POST /callbacks/x HTTP/1.1", "Host: here", "Content-Type: application/json", "Content-Length: 100"]
            caller.sendall("\r\n".join([*head, "", '{"half":']).encode())
    assert client.get("/healthz").status_code == 200
    assert client.head("/healthz").status_code == 200
    assert not [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"]
