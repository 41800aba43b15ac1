"""Real sockets, and servers that misbehave in every way that matters for what a call may have done."""

from __future__ import annotations

import contextlib
import gzip
import select
import socket
import threading
import time

import pytest
import requests

from engine.limits import MAX_RESPONSE_BYTES
from engine.nodes.http import Answer, NoAnswer, exchange
from engine.nodes.wire import DeadlineAdapter
from tests.support.tcp import answer, drip, read_request, reset, tcp_server
from tests.support.tls import over_tls

TIMEOUT = 0.4
SLACK = 3.0  # seconds that a loaded machine may be late; without a deadline these servers take 10 s and more
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def adapter():
    with contextlib.closing(DeadlineAdapter()) as adapter:
        yield adapter


def post(adapter, url, timeout=5.0, data=b"{}"):
    return exchange(adapter, requests.Request("POST", f"{url}/x", data=data).prepare(), timeout)


def silent(connection):
    read_request(connection)
    connection.recv(1)


def drip_head(connection):
    read_request(connection)
    drip(connection, HEAD + b"X-Slow: " + b"a" * 1000)


def drip_body(connection):
    read_request(connection)
    connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
    drip(connection, b"a" * 1000)


def drip_chunks(connection):
    read_request(connection)
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    drip(connection, b"1\r\na\r\n" * 1000)


def drip_continues(connection):
    read_request(connection)
    drip(connection, b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def drip_handshake(connection):
    drip(connection, b"\x16\x03\x01\x0f\xff" + b"a" * 1000)


def never_read(connection):
    ended = select.poll()
    ended.register(connection, 0)  # reports nothing but the connection's end
    ended.poll(10_000)


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


def test_each_call_on_a_kept_connection_has_its_own_deadline(adapter):
    def talk(connection):
        while read_request(connection):
            threading.Event().wait(0.4)
            answer(connection)

    with tcp_server(talk) as url:
        found = [post(adapter, url, timeout=1.0) for _ in range(3)]

    assert [(each.status, each.fault) for each in found] == [(200, None)] * 3


def test_a_port_where_nobody_listens(adapter):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    assert post(adapter, f"http://127.0.0.1:{port}") == NoAnswer(False, "could not be reached (connection refused)")


def test_a_host_that_nobody_knows(adapter):
    found = post(adapter, "http://host.invalid")

    assert isinstance(found, NoAnswer)
    assert not found.sent
    assert "could not be reached (" in found.why


@contextlib.contextmanager
def nobody_accepts(host="127.0.0.1"):
    """A port there. A full backlog drops the handshake's packets, as a dead host would."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((host, 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_a_connection_that_nobody_accepts(adapter):
    with nobody_accepts() as port:
        found = post(adapter, f"http://127.0.0.1:{port}", TIMEOUT)

    assert found == NoAnswer(False, "could not be reached (no connection in time)")


def addresses(monkeypatch, *hosts):
    """Let the system's resolver give these for any name."""
    known = socket.getaddrinfo

    def resolve(host, *asked, **facts):
        return [found for one in ([host] if host in hosts else hosts) for found in known(one, *asked, **facts)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_the_deadline_is_for_all_addresses_of_a_host(adapter, monkeypatch):
    start = time.monotonic()
    with nobody_accepts("0.0.0.0") as port:
        addresses(monkeypatch, *(f"127.0.0.{number}" for number in range(1, 16)))
        found = post(adapter, f"http://many.example:{port}", TIMEOUT)

    assert found == NoAnswer(False, "could not be reached (no connection in time)")
    assert time.monotonic() - start < TIMEOUT + SLACK


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


def test_a_kept_connection_is_used_again(adapter):
    connections = []

    def talk(connection):
        connections.append(connection)
        while read_request(connection):
            answer(connection)

    with tcp_server(talk) as url:
        for _ in range(3):
            assert post(adapter, url).status == 200

    assert len(connections) == 1


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


def test_a_kept_connection_that_was_closed_in_the_meantime_is_replaced(adapter):
    closed = threading.Event()

    def talk(connection):
        read_request(connection)
        answer(connection)
        connection.close()
        closed.set()

    with tcp_server(talk) as url:
        assert post(adapter, url).status == 200
        assert closed.wait(5)
        assert post(adapter, url).status == 200


def test_a_kept_connection_that_closes_as_it_is_used_may_have_taken_the_call(adapter):
    requests_read = []

    def talk(connection):
        requests_read.append(read_request(connection))
        answer(connection)
        requests_read.append(read_request(connection))
        reset(connection)

    with tcp_server(talk) as url:
        assert post(adapter, url).status == 200
        found = post(adapter, url)

    assert found == NoAnswer(True, "closed the connection without an answer")
    assert len(requests_read) == 2  # and it was not sent a second time behind our back


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


def test_calls_from_many_threads_do_not_wait_for_each_other(adapter):
    everybody = threading.Barrier(8)

    def talk(connection):
        read_request(connection)
        everybody.wait(5)
        answer(connection)

    found = []
    with tcp_server(talk) as url:
        threads = [threading.Thread(target=lambda: found.append(post(adapter, url))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert [each.status for each in found] == [200] * 8


def test_a_private_authority_is_trusted_when_the_connection_names_it(tmp_path):
    def talk(connection):
        while read_request(connection):
            answer(connection)

    secured, certificate = over_tls(talk, tmp_path)
    with tcp_server(secured) as url, contextlib.closing(DeadlineAdapter(certificate)) as adapter:
        found = [post(adapter, url.replace("http:", "https:")) for _ in range(2)]

    assert [(each.status, each.body) for each in found] == [(200, b"{}")] * 2


def test_a_certificate_that_is_not_trusted(adapter, tmp_path):
    secured, _ = over_tls(close_after_request, tmp_path)
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


@pytest.mark.parametrize("talk", [silent, drip_head, drip_body])
def test_the_deadline_holds_over_tls(talk, tmp_path):
    secured, certificate = over_tls(talk, tmp_path)
    start = time.monotonic()
    with tcp_server(secured) as url, contextlib.closing(DeadlineAdapter(certificate)) as adapter:
        found = post(adapter, url.replace("http:", "https:"), TIMEOUT)

    assert "within 0.4 s" in ((found.fault or "") if isinstance(found, Answer) else found.why)
    assert time.monotonic() - start < TIMEOUT + SLACK
