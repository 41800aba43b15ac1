"""Real sockets, and servers that misbehave: what a call may have done, and what it carries with it."""

from __future__ import annotations

import pytest

from engine.nodes.answer import NoAnswer
from tests.integration.engine.nodes.exchanges import post
from tests.support.tcp import answer, read_request, reset, tcp_server


def reset_after_request(connection):
    read_request(connection)
    reset(connection)


def close_after_request(connection):
    read_request(connection)


def reset_in_the_head(connection):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 20")
    reset(connection)


@pytest.mark.parametrize("talk", [reset_after_request, close_after_request, reset_in_the_head])
def test_a_connection_that_ends_after_the_request_was_read(adapter, talk):
    with tcp_server(talk) as url:
        found = post(adapter, url)

    assert isinstance(found, NoAnswer)
    assert found.sent


def test_something_that_is_not_http(adapter):
    def talk(connection):
        read_request(connection)
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    with tcp_server(talk) as url:
        assert post(adapter, url) == NoAnswer(True, "did not answer properly (BadStatusLine)")


def test_head_and_body_leave_together(adapter):
    """Each piece would cost a system call and a packet, and a server's thread that wakes for a head alone."""
    came = []

    def talk(connection):
        while piece := connection.recv(65536):
            came.append(piece)
            if piece.endswith(b"{}"):
                answer(connection)

    with tcp_server(talk) as url:
        for _ in range(10):
            assert post(adapter, url).status == 200

    assert len(came) == 10


def test_a_redirect_is_not_followed_and_no_cookie_is_kept(adapter):
    heard = []

    def talk(connection):
        while request := read_request(connection):
            heard.append(request)
            answer(connection, b"gone", "302 Found", "Location: /elsewhere", "Set-Cookie: session=1")

    with tcp_server(talk) as url:
        assert [post(adapter, url).status for _ in range(2)] == [302, 302]

    assert len(heard) == 2
    assert b"ookie" not in heard[1]


def test_proxies_and_passwords_of_the_environment_are_not_used(adapter, monkeypatch, tmp_path):
    heard = []

    def talk(connection):
        heard.append(read_request(connection))
        answer(connection)

    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ada password hunter22\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with tcp_server(talk) as url:
        assert post(adapter, url).status == 200

    assert b"uthorization" not in heard[0]
