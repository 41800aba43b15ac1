"""The worker's side: the fork server, which is asked for processes and for their ends, and one such process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any

from engine.isolation.errors import NoProcess
from engine.isolation.server import FORK, QUESTION
from engine.isolation.wire import Wire, WireClosed
from engine.limits import MAX_MESSAGE_BYTES

_START = 120.0  # seconds for importing the modules of the functions, which the worker has done before
_ANSWER = 10.0
_PATIENCE = 10.0
_GOING = 0.5
_PROGRAM = (  # with the worker's own sys.path, since the modules may lie beside the settings file
    "import json, sys; sys.path[:], control, *how = json.load(sys.stdin); "
    "from engine.isolation.server import main; main(control, *how)"
)


class ForkServer:
    """Started at once; the first process that is asked for waits until it has imported ``modules``. What functions
    print: see Output; ``processors``: see Processes."""

    def __init__(
        self, modules: Sequence[str], secrets: Collection[str], as_json: bool, processors: Collection[int]
    ) -> None:
        self._lock = Lock()
        self._sock, other = socket.socketpair()
        self._wire = Wire(self._sock, MAX_MESSAGE_BYTES)
        self._ready = False
        with other:
            self._process = _start(other.fileno(), list(modules), sorted(secrets), as_json, list(processors))

    def fork(self) -> FunctionProcess:
        """A process that waits for calls. Raises NoProcess, WireClosed when this server is gone."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                told = self._ask(FORK, 0.0, theirs)
            if not isinstance(told, int):
                raise NoProcess(str(told))
        except BaseException:
            ours.close()
            raise
        return FunctionProcess(self, told, Wire(ours, MAX_MESSAGE_BYTES))

    def end(self, pid: int, patience: float) -> int | None:
        """End a process and what it started; by itself it has ``patience`` seconds for it. Its exit code, a signal's
        as a negative number; None: not known."""
        try:
            code: int | None = self._ask(pid, patience)
        except WireClosed:  # a server that was killed ends nothing any more
            with suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
            return None
        return code

    def stop(self) -> None:
        """End it, and with it every process that it made."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        if not self._ready:  # it imports, and has made none
            self._process.kill()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._sock.close()

    def _ask(self, number: int, seconds: float, *sockets: socket.socket) -> Any:
        with self._lock:
            self._wait_until_ready()
            try:
                socket.send_fds(self._sock, [QUESTION.pack(number, seconds)], [each.fileno() for each in sockets])
            except OSError as error:
                raise WireClosed(str(error)) from error
            return self._told(_ANSWER)

    def _wait_until_ready(self) -> None:
        if not self._ready and (problem := self._told(_START)):
            raise NoProcess(str(problem))
        self._ready = True

    def _told(self, seconds: float) -> Any:
        """Its answer. One that does not come must not be taken for the next, so that ends it all."""
        try:
            return json.loads(self._wire.receive(seconds))
        except TimeoutError:
            self._process.kill()
            raise WireClosed(f"it said nothing for {seconds:g} s") from None


class FunctionProcess:
    """A process that runs one function at a time."""

    def __init__(self, server: ForkServer, pid: int, wire: Wire) -> None:
        self.pid, self.wire, self._server = pid, wire, server

    def end(self, patience: float = _GOING) -> int | None:
        """See ForkServer.end. A process that is not at a function ends when its socket is closed."""
        self.wire.close()
        return self._server.end(self.pid, patience)


def _start(control: int, *how: object) -> subprocess.Popen[bytes]:
    """In a session of its own, so that Ctrl-C in a terminal is the worker's affair. What functions print goes where
    the worker's standard error goes: its standard output is for what commands tell."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "retrigger-functions"],
        stdin=subprocess.PIPE,
        stdout=2,
        pass_fds=[control],
        start_new_session=True,
    )
    assert process.stdin is not None
    with suppress(OSError), process.stdin as pipe:  # that it is gone already is seen at its socket
        pipe.write(json.dumps([[str(folder) for folder in sys.path], control, *how]).encode())
    return process
