import socket
from contextlib import closing

from retrigger.demo import ports


def port_of(sock):
    return sock.getsockname()[1]


def test_a_free_port_is_taken_as_it_is():
    number = ports.free_port(0)
    assert ports.free_port(number) == number
    with closing(ports.listen(number)) as sock:
        assert port_of(sock) == number


def test_a_taken_port_is_replaced_by_a_free_one():
    with closing(ports.listen(0)) as taken, closing(ports.listen(port_of(taken))) as other:
        assert port_of(other) not in (0, port_of(taken))
        replaced = ports.free_port(port_of(taken))
        assert replaced not in (0, port_of(taken), port_of(other))


def test_a_port_taken_on_all_addresses_counts_as_taken():
    with closing(ports.listen(0, ports.EVERYWHERE)) as taken:
        assert ports.free_port(port_of(taken)) != port_of(taken)


def test_a_port_is_free_again_at_once_after_its_last_connection_was_closed_by_the_server():
    server = ports.listen(0)
    number = port_of(server)
    client = socket.create_connection((ports.LOOPBACK, number))
    accepted, _ = server.accept()
    accepted.close()  # the side that closes first keeps the port in TIME_WAIT
    client.close()
    server.close()
    assert ports.free_port(number) == number


def test_a_number_that_is_no_port_is_replaced():
    assert 0 < ports.free_port(99_999) <= 65_535
