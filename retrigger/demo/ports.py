"""Ports: the one a person knows when it is free, another when it is not."""

from __future__ import annotations

import socket
import sys
from contextlib import closing

LOOPBACK = "127.0.0.1"
EVERYWHERE = ""


def listen(preferred: int, host: str = LOOPBACK) -> socket.socket:
    """A listening socket on ``preferred``, or on a free port when that one is taken (0 means any).

    Handing the socket itself to a server leaves no moment in which somebody else can take the port.
    """
    wanted = preferred if _is_free(preferred) else 0
    sock = _socket()
    try:
        sock.bind((host, wanted))
    except OSError:  # taken between the look and the bind
        sock.close()
        sock = _socket()
        sock.bind((host, 0))
    sock.listen(128)
    return sock


def free_port(preferred: int) -> int:
    """``preferred`` if nothing listens there, else a port that was free a moment ago (0 means any).

    For servers that take a number only; they may still lose the port to somebody else, so their starter tries again.
    """
    if preferred and _is_free(preferred):
        return preferred
    with closing(_socket()) as sock:
        sock.bind((EVERYWHERE, 0))
        return int(sock.getsockname()[1])


def _is_free(port: int) -> bool:
    """Nothing listens on ``port``, neither on this machine's loopback nor on all its addresses."""
    for host in (LOOPBACK, EVERYWHERE):
        with closing(_socket()) as sock:
            try:
                sock.bind((host, port))
            except (OSError, OverflowError):
                return False
    return True


def _socket() -> socket.socket:
    # asyncio sends at once (TCP_NODELAY) only where the protocol is named; else every answer takes 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if sys.platform != "win32":
        # Without it, connections of the last run that linger in TIME_WAIT would make the known port look taken.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return sock
