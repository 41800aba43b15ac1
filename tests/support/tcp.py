"""A real server for tests that need one to misbehave: each connection is handed to a function, in its own thread."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

from tests.support.poll import PATIENCE

Talk = Callable[[socket.socket], None]


@contextlib.contextmanager
def tcp_server(talk: Talk) -> Iterator[str]:
    """Serve on a port of the system's choice; gives the base URL. Closes every connection at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connections: list[socket.socket] = []
        threads: list[threading.Thread] = []

        def serve(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                talk(connection)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connections.append(connection)
                    threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
                    threads[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for sock in (listener, *connections):
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            listener.close()
            for thread in (accepting, *threads):
                thread.join(PATIENCE)


def read_request(connection: socket.socket) -> bytes:
    """The head and the body of one request; empty when the other side closed the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(connection: socket.socket, body: bytes = b"{}", status: str = "200 OK", *headers: str) -> None:
    """Send one whole response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    connection.sendall("\r\n".join(lines).encode() + body)


def reset(connection: socket.socket) -> None:
    """Close with a TCP reset instead of an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def drip(connection: socket.socket, data: bytes, pause: float = 0.02) -> None:
    """Send byte after byte, until the other side has gone."""
    waiting = threading.Event()
    for byte in data:
        connection.sendall(bytes([byte]))
        waiting.wait(pause)
