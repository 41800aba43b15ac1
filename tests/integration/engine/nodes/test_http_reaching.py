"""Hosts that cannot be reached, or cannot be trusted: it is known that nothing was sent."""

from __future__ import annotations

import contextlib
import socket

from engine.nodes.answer import Answer, NoAnswer
from engine.nodes.deadline_adapter import DeadlineAdapter
from tests.integration.engine.nodes.exchanges import addresses, nobody_accepts, post
from tests.support.tcp import answer, read_request, tcp_server
from tests.support.tls import over_tls


def test_a_port_where_nobody_listens(adapter):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    assert post(adapter, f"http://127.0.0.1:{port}") == NoAnswer(False, "could not be reached (connection refused)")


def test_a_host_that_nobody_knows(adapter):
    found = post(adapter, "http://host.invalid")

    assert isinstance(found, NoAnswer)
    assert not found.sent
    assert "could not be reached (" in found.why


def test_a_connection_that_nobody_accepts(adapter):
    with nobody_accepts() as port:
        found = post(adapter, f"http://127.0.0.1:{port}", timeout=0.4)

    assert found == NoAnswer(False, "could not be reached (no connection in time)")


def test_a_host_is_reached_whose_first_address_is_dead(adapter, monkeypatch):
    with tcp_server(answer) as url:
        addresses(monkeypatch, "127.0.0.2", "127.0.0.1")
        found = post(adapter, url.replace("127.0.0.1", "many.example"))

    assert isinstance(found, Answer) and found.status == 200


def test_a_server_that_speaks_no_tls(adapter):
    def talk(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with tcp_server(talk) as url:
        found = post(adapter, url.replace("http:", "https:"))

    assert isinstance(found, NoAnswer)
    assert not found.sent
    assert "no TLS" in found.why


def test_a_private_authority_is_trusted_when_the_connection_names_it(tmp_path):
    def talk(connection):
        while read_request(connection):
            answer(connection)

    secured, certificate = over_tls(talk, tmp_path)
    with tcp_server(secured) as url, contextlib.closing(DeadlineAdapter(certificate)) as adapter:
        found = [post(adapter, url.replace("http:", "https:")) for _ in range(2)]

    assert [(each.status, each.body) for each in found] == [(200, b"{}")] * 2


def test_a_certificate_that_is_not_trusted(adapter, tmp_path):
    secured, _ = over_tls(answer, tmp_path)
    with tcp_server(secured) as url:
        found = post(adapter, url.replace("http:", "https:"))

    assert isinstance(found, NoAnswer)
    assert not found.sent
    assert "its certificate is not trusted" in found.why


def test_a_file_of_certificates_that_is_gone(tmp_path):
    with contextlib.closing(DeadlineAdapter(tmp_path / "gone.pem")) as adapter:
        found = post(adapter, "https://127.0.0.1:1")

    assert isinstance(found, NoAnswer)
    assert not found.sent
    assert "gone.pem" in found.why
