"""Bodies that are huge, packed, or do not arrive whole: the call was answered, and what came of it is limited."""

from __future__ import annotations

import contextlib
import gzip

import pytest

from engine.limits import MAX_RESPONSE_BYTES
from engine.nodes.answer import Answer
from tests.integration.engine.nodes.exchanges import HEAD, post
from tests.support.tcp import answer, read_request, tcp_server


@pytest.mark.parametrize("head", [b"", b"Content-Length: 104857600\r\n"])
def test_a_huge_body_is_not_read_to_its_end(adapter, head):
    def talk(connection):
        read_request(connection)
        connection.sendall(HEAD + head + b"\r\n")
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(b"x" * 65536)

    with tcp_server(talk) as url:
        found = post(adapter, url)

    assert isinstance(found, Answer)
    assert (found.status, found.too_large, found.fault) == (200, True, "is larger than 1024 KiB")
    assert len(found.body) == MAX_RESPONSE_BYTES


def test_a_body_of_the_largest_size_is_read(adapter):
    def talk(connection):
        read_request(connection)
        answer(connection, b"x" * MAX_RESPONSE_BYTES)

    with tcp_server(talk) as url:
        found = post(adapter, url)

    assert (len(found.body), found.fault) == (MAX_RESPONSE_BYTES, None)


def test_a_small_body_that_unpacks_to_a_huge_one(adapter):
    packed = gzip.compress(b"x" * 20 * MAX_RESPONSE_BYTES)

    def talk(connection):
        read_request(connection)
        answer(connection, packed, "200 OK", "Content-Encoding: gzip")

    with tcp_server(talk) as url:
        found = post(adapter, url)

    assert found.too_large


@pytest.mark.parametrize(
    ("headers", "body", "fault"),
    [
        (b"Content-Length: 100\r\n", b"half", "broke off"),
        (b"Transfer-Encoding: chunked\r\n", b"5\r\nab", "broke off"),
        (b"Transfer-Encoding: chunked\r\n", b"nonsense\r\n", "broke off"),
        (b"Content-Encoding: gzip\r\nContent-Length: 4\r\n", b"nope", "cannot be unpacked"),
    ],
)
def test_a_body_that_does_not_arrive_whole(adapter, headers, body, fault):
    def talk(connection):
        read_request(connection)
        connection.sendall(HEAD + headers + b"\r\n" + body)

    with tcp_server(talk) as url:
        found = post(adapter, url)

    assert isinstance(found, Answer)
    assert (found.status, found.fault) == (200, fault)
