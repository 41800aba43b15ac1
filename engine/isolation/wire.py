"""Whole messages over a socket between two processes of one machine. Text only: nothing that is unpickled."""

from __future__ import annotations

import socket
import struct
import time

_LENGTH = struct.Struct("!I")
_CHUNK = 256 * 1024


class WireClosed(Exception):
    """The other side is gone, or said what no message begins with."""


class Wire:
    """One end of a connected stream socket. ``limit`` bounds a message, in bytes."""

    def __init__(self, sock: socket.socket, limit: int) -> None:
        self._sock, self._limit = sock, limit

    def send(self, message: bytes, seconds: float | None = None) -> None:
        """Raises WireClosed, and TimeoutError when the other side does not read it within ``seconds``."""
        try:
            self._sock.settimeout(seconds)
            self._sock.sendall(_LENGTH.pack(len(message)) + message)
        except TimeoutError:
            raise
        except OSError as error:
            raise WireClosed(str(error)) from error

    def receive(self, seconds: float | None = None) -> bytes:
        """The next message. Raises TimeoutError after ``seconds``, WireClosed."""
        end = None if seconds is None else time.monotonic() + seconds
        data = self._some(_CHUNK, seconds)
        while len(data) < _LENGTH.size:
            data += self._some(_CHUNK, _left(end))
        (length,) = _LENGTH.unpack_from(data)
        missing = _LENGTH.size + length - len(data)
        if length > self._limit or missing < 0:
            raise WireClosed("what came is no message")
        if not missing:
            return data[_LENGTH.size :]
        parts = [data[_LENGTH.size :]]
        while missing:
            parts.append(self._some(min(missing, _CHUNK), _left(end)))
            missing -= len(parts[-1])
        return b"".join(parts)

    def close(self) -> None:
        self._sock.close()

    def _some(self, most: int, seconds: float | None) -> bytes:
        try:
            self._sock.settimeout(seconds)
            data = self._sock.recv(most)
        except TimeoutError:
            raise
        except OSError as error:
            raise WireClosed(str(error)) from error
        if not data:
            raise WireClosed("the other side is gone")
        return data


def _left(end: float | None) -> float | None:
    """Seconds; never zero, which would mean not to wait at all."""
    return None if end is None else max(end - time.monotonic(), 1e-6)
