"""A call's time-out is for the whole of it: connecting, sending, and an answer that drips in (SPEC 2)."""

from __future__ import annotations

import contextlib
import select
import time

import pytest

from engine.nodes.answer import Answer, NoAnswer
from engine.nodes.deadline_adapter import DeadlineAdapter
from tests.integration.engine.nodes.exchanges import HEAD, addresses, nobody_accepts, post
from tests.support.poll import PATIENCE
from tests.support.tcp import answer, drip, read_request, tcp_server
from tests.support.tls import over_tls

TIMEOUT = 0.4
SLACK = 30.0  # seconds that a loaded machine may be late; without a deadline these servers take twice as long


def silent(connection):
    read_request(connection)
    connection.recv(1)


def drip_head(connection):
    read_request(connection)
    drip(connection, HEAD + b"X-Slow: " + b"a" * 3000)


def drip_body(connection):
    read_request(connection)
    connection.sendall(HEAD + b"Content-Length: 3000\r\n\r\n")
    drip(connection, b"a" * 3000)


def drip_chunks(connection):
    read_request(connection)
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    drip(connection, b"1\r\na\r\n" * 1000)


def drip_continues(connection):
    read_request(connection)
    drip(connection, b"HTTP/1.1 100 Continue\r\n\r\n" * 200)


def drip_handshake(connection):
    drip(connection, b"\x16\x03\x01\x0f\xff" + b"a" * 3000)


def never_read(connection):
    ended = select.poll()
    ended.register(connection, 0)  # reports nothing but the connection's end
    ended.poll(60_000)


@pytest.mark.parametrize("talk", [silent, drip_head, drip_continues])
def test_no_answer_within_the_deadline(adapter, talk):
    start = time.monotonic()
    with tcp_server(talk) as url:
        found = post(adapter, url, TIMEOUT)

    assert found == NoAnswer(True, "did not answer within 0.4 s")
    assert TIMEOUT <= time.monotonic() - start < TIMEOUT + SLACK


@pytest.mark.parametrize("talk", [drip_body, drip_chunks])
def test_the_deadline_is_for_the_body_too(adapter, talk):
    start = time.monotonic()
    with tcp_server(talk) as url:
        found = post(adapter, url, TIMEOUT)

    assert isinstance(found, Answer)
    assert (found.status, found.fault) == (200, "was not complete within 0.4 s")
    assert time.monotonic() - start < TIMEOUT + SLACK


def test_the_deadline_is_for_sending_too(adapter):
    start = time.monotonic()
    with tcp_server(never_read) as url:
        found = post(adapter, url, TIMEOUT, data=b"x" * 20_000_000)
        took = time.monotonic() - start

    assert found == NoAnswer(True, "did not answer within 0.4 s")
    assert took < TIMEOUT + SLACK


def test_the_deadline_is_for_the_tls_handshake_too(adapter):
    start = time.monotonic()
    with tcp_server(drip_handshake) as url:
        found = post(adapter, url.replace("http:", "https:"), TIMEOUT)

    assert found == NoAnswer(False, "could not be reached (no connection in time)")
    assert time.monotonic() - start < TIMEOUT + SLACK


def test_the_deadline_is_for_all_addresses_of_a_host(adapter, monkeypatch):
    start = time.monotonic()
    with nobody_accepts("0.0.0.0") as port:
        addresses(monkeypatch, *(f"127.0.0.{number}" for number in range(1, 16)))
        found = post(adapter, f"http://many.example:{port}", TIMEOUT)

    assert found == NoAnswer(False, "could not be reached (no connection in time)")
    assert time.monotonic() - start < TIMEOUT + SLACK


@pytest.mark.parametrize("talk", [silent, drip_head, drip_body])
def test_the_deadline_holds_over_tls(talk, tmp_path):
    secured, certificate = over_tls(talk, tmp_path)
    start = time.monotonic()
    with tcp_server(secured) as url, contextlib.closing(DeadlineAdapter(certificate)) as adapter:
        found = post(adapter, url.replace("http:", "https:"), TIMEOUT)

    assert "within 0.4 s" in ((found.fault or "") if isinstance(found, Answer) else found.why)
    assert time.monotonic() - start < TIMEOUT + SLACK


def test_each_call_on_a_kept_connection_has_its_own_deadline(adapter, monkeypatch):
    def talk(connection):
        while read_request(connection):
            answer(connection)

    found, clock = [], time.monotonic
    with tcp_server(talk) as url:
        for call in range(3):  # each when the deadline of the one before is over
            monkeypatch.setattr(
                "engine.nodes.deadline_adapter.time.monotonic", lambda call=call: clock() + call * PATIENCE
            )
            found.append(post(adapter, url, timeout=PATIENCE))

    assert [(each.status, each.fault) for each in found] == [(200, None)] * 3
