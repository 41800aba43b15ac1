"""Connections that are kept for the next call, and used by many threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from engine.nodes.answer import NoAnswer
from tests.integration.engine.nodes.exchanges import post
from tests.support.poll import PATIENCE
from tests.support.tcp import answer, read_request, reset, tcp_server


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


def test_what_is_kept_is_closed_with_the_adapter(adapter):
    ended = threading.Event()

    def talk(connection):
        while read_request(connection):
            answer(connection)
        ended.set()

    with tcp_server(talk) as url:
        assert post(adapter, url).status == 200
        adapter.close()
        assert ended.wait(PATIENCE)


def test_a_kept_connection_that_was_closed_in_the_meantime_is_replaced(adapter):
    closed = threading.Event()

    def talk(connection):
        read_request(connection)
        answer(connection)
        connection.close()
        closed.set()

    with tcp_server(talk) as url:
        assert post(adapter, url).status == 200
        assert closed.wait(PATIENCE)
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


def test_calls_from_many_threads_do_not_wait_for_each_other(adapter):
    everybody = threading.Barrier(8)

    def talk(connection):
        read_request(connection)
        everybody.wait(PATIENCE)
        answer(connection)

    found = []
    with tcp_server(talk) as url:
        threads = [threading.Thread(target=lambda: found.append(post(adapter, url))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert [each.status for each in found] == [200] * 8


def test_as_many_are_kept_as_there_are_calls_at_once(adapter):
    at_once = 40
    everybody, connections = threading.Barrier(at_once), []

    def talk(connection):
        connections.append(connection)
        while read_request(connection):
            everybody.wait(PATIENCE)
            answer(connection)

    with tcp_server(talk) as url:
        for _ in range(2):
            with ThreadPoolExecutor(at_once) as threads:
                calls = [threads.submit(post, adapter, url) for _ in range(at_once)]
            assert [call.result().status for call in calls] == [200] * at_once

    assert len(connections) == at_once


def test_what_comes_before_an_answer_is_none_and_the_next_call_gets_its_own(adapter):
    """103 Early Hints, say: were it taken for the answer, the connection's next call would be given this one's."""

    def talk(connection):
        for number in range(3):
            read_request(connection)
            connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            time.sleep(0.1)
            answer(connection, str(number).encode())

    with tcp_server(talk) as url:
        found = [post(adapter, url) for _ in range(3)]

    assert [(one.status, one.body) for one in found] == [(200, b"0"), (200, b"1"), (200, b"2")]
