"""HTTP connections that keep a deadline, and that know whether a request has left.

The time-out of requests is one for each read, so a server that drips a byte now and then holds a call for ever. Here
connecting, sending and every read of head and body get the time that is left of the whole call. Looking up a host's
name is left to the system, whose resolver has limits of its own. A host of several addresses is one host: the time is
shared out among those that are still to be tried.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from http.client import CONTINUE, HTTPResponse
from pathlib import Path
from socket import SOCK_STREAM
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util.connection import create_connection

_KEPT_ALIVE = 1000  # connections to one host, at most: as many as slots, or some would be made anew for each call


class NotConnected(Exception):
    """No connection came about, so nothing was sent; says why in a few words.

    Not one of urllib3's errors, on purpose: those are wrapped and mixed with what happens after sending.
    """


class _TimedReader(io.RawIOBase):
    """A socket's reading side, where each read waits only until the deadline (monotonic seconds)."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline = sock, deadline
        self._raw = sock.makefile("rb", buffering=0)  # keeps the socket open until this is closed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_left(self._deadline))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedSocket:
    """What http.client's response asks of a socket."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline = sock, deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._sock, self._deadline))


class _Final(HTTPResponse):
    """http.client passes over 100 only, and would leave what follows 102 or 103 to the connection's next call."""

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]  # it is in no stub
        return version, CONTINUE if 100 <= status < 200 else status, reason


class _Timed(HTTPConnection):
    """A connection on which one call at a time runs, until its deadline. ``timeout`` is the seconds of a whole call:
    urllib3 sets it as a call begins."""

    _deadline: float | None = None
    _leaving: bytearray | None = None  # what is held back until the request is whole

    def connect(self) -> None:
        deadline = self._begin()
        try:
            super().connect()
            _left(deadline)
        except Exception as error:
            raise NotConnected(_why(error)) from error

    def _new_conn(self) -> socket.socket:
        """urllib3's, which gives each address the whole time-out."""
        deadline, error = self._begin(), OSError("its host name has no address")
        addresses = dict.fromkeys(it[4][0] for it in socket.getaddrinfo(self._dns_host, self.port, type=SOCK_STREAM))
        for tried, address in enumerate(addresses):
            share = _left(deadline) / (len(addresses) - tried)
            try:
                sock = create_connection((str(address), self.port), share, self.source_address, self.socket_options)
            except OSError as refused:
                error = refused
                continue
            sock.settimeout(_left(deadline))
            return sock
        raise error

    def request(self, *args: Any, **options: Any) -> None:
        """Head and body leave together: each piece costs a system call and a packet of its own."""
        self._begin()
        self._leaving = bytearray()
        try:
            super().request(*args, **options)
            whole = self._leaving
        finally:
            self._leaving = None
        self.send(whole)

    def send(self, data: Any) -> None:
        if self._leaving is not None:
            self._leaving += data
            return
        if self.sock is None:
            self.connect()
        self.sock.settimeout(_left(self._begin()))
        super().send(data)

    def response_class(  # type: ignore[override]  # http.client only calls it
        self, sock: socket.socket, *args: Any, **options: Any
    ) -> HTTPResponse:
        deadline, self._deadline = self._begin(), None
        timed: Any = _TimedSocket(sock, deadline)  # has all that http.client asks of a socket
        return _Final(timed, *args, **options)

    def _begin(self) -> float:
        """The deadline of the present call, which begins now unless it has begun."""
        if self._deadline is None:
            self._deadline = time.monotonic() + float(self.timeout or 0)
        return self._deadline


class _TimedTLS(_Timed, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Timed


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TimedTLS


class DeadlineAdapter(HTTPAdapter):
    """requests' adapter, where ``timeout`` is the deadline of the whole call and nothing is ever sent twice.

    Used from all threads at once; more calls than are kept alive make connections of their own. ``ca_file`` holds the
    certificates to trust; without one, the public ones are.
    """

    def __init__(self, ca_file: Path | None = None) -> None:
        self.trusted: bool | str = str(ca_file) if ca_file else True
        self._pools: dict[tuple[str, str], HTTPConnectionPool] = {}  # by scheme and place: one, as a rule
        super().__init__(pool_connections=1, pool_maxsize=_KEPT_ALIVE, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def send(self, request: PreparedRequest, *args: Any, timeout: Any = None, **options: Any) -> Response:
        """Send the request; the body of the response is still to be read. urllib3's errors come as they are.

        requests' own looks up a proxy and the pool for each call, and collects cookies: a quarter of a call's CPU.
        """
        assert request.method and isinstance(request.url, str)  # as it is prepared
        pool = self._pool(request, request.url)
        self.cert_verify(pool, request.url, self.trusted, None)  # type: ignore[no-untyped-call]  # requests' own
        raw = pool.urlopen(
            request.method,
            request.path_url,
            request.body,
            request.headers,
            self.max_retries,
            redirect=False,
            assert_same_host=False,
            timeout=timeout,
            preload_content=False,
            decode_content=False,
        )
        response = Response()
        response.status_code, response.reason, response.raw = raw.status, raw.reason or "", raw
        response.headers = CaseInsensitiveDict(raw.headers)
        return response

    def close(self) -> None:
        """Close what is kept: urllib3's own does so only once nobody holds the pools any more."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
        super().close()

    def _pool(self, request: PreparedRequest, url: str) -> HTTPConnectionPool:
        place = urlsplit(url)[:2]
        if place not in self._pools:
            pool = self.get_connection_with_tls_context(request, self.trusted)
            assert isinstance(pool, HTTPConnectionPool)
            self._pools[place] = pool
        return self._pools[place]


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _why(error: BaseException) -> str:
    """The reason of a failed connection, from the system's error behind urllib3's."""
    while isinstance(error, HTTPError) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, socket.gaierror):
        return "its host name is not known"
    if isinstance(error, TimeoutError):
        return "no connection in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {(error.reason or 'handshake failed').replace('_', ' ').lower()}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
