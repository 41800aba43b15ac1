"""The one process that has imported the functions, and makes the processes for them by forking.

The worker cannot fork: it has threads. This process has none, so a fork of it is safe, takes about a millisecond, and
shares the memory of the imported modules. It is the parent of every process with functions, and ends them, with
whatever they started, when the worker is gone, however that went. What it is told comes over its one socket, whose end
is its own.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import struct
import time
import traceback
from collections.abc import Sequence
from typing import Any

from engine.errors import SettingsError
from engine.functions import load_functions
from engine.isolation.child import heed_no_stop_signals, serve
from engine.isolation.output import Output
from engine.isolation.wire import Wire, WireClosed
from engine.limits import MAX_MESSAGE_BYTES

# What the worker asks for: FORK, a process, whose socket comes along; or the end of the process with that number, and
# for how many seconds it may go on until it is killed.
QUESTION = struct.Struct("!qd")
FORK = 0
_KILLED = 5.0  # seconds until a killed process is not waited for any more
_POLL = 0.001


def main(
    control: int, modules: Sequence[str], secrets: Sequence[str], as_json: bool, processors: Sequence[int]
) -> None:
    """Run until the worker closes its end of the socket with the number ``control``. What is printed and logged: see
    Output; ``processors``: see Processes."""
    heed_no_stop_signals()
    if processors:
        os.sched_setaffinity(0, processors)
    sock = socket.socket(fileno=control)
    server = _Server(sock, Output(secrets, as_json=as_json))
    try:
        load_functions(modules)
        gc.collect()
        gc.freeze()  # the collector of a forked process would touch, and so copy, all that it shares
        server.say(None)
        server.run()
    except SettingsError as error:
        server.say(str(error))
    except WireClosed:
        pass
    finally:
        server.end_all()
        os._exit(0)  # what the modules registered for the end of a program is not for here


class _Server:
    def __init__(self, sock: socket.socket, output: Output) -> None:
        self._sock, self._wire = sock, Wire(sock, MAX_MESSAGE_BYTES)
        self._output = output
        self._pids: set[int] = set()

    def say(self, message: Any) -> None:
        self._wire.send(json.dumps(message).encode())

    def run(self) -> None:
        """Do what the worker asks for, one thing after another."""
        while True:
            asked, sockets, _, _ = socket.recv_fds(self._sock, QUESTION.size, 1)
            if len(asked) < QUESTION.size:
                return
            number, seconds = QUESTION.unpack(asked)
            self.say(self._fork(sockets[0]) if number == FORK else self._end(number, seconds))

    def end_all(self) -> None:
        for pid in self._pids:
            _kill(pid)
        for pid in self._pids:
            _reaped(pid, _KILLED)

    def _fork(self, number: int) -> int | str:
        """The new process, or why there is none."""
        try:
            pid = os.fork()
        except OSError as error:
            os.close(number)
            return error.strerror or str(error)
        if pid == 0:
            self._serve(number)
        with contextlib.suppress(OSError):  # both set it, so that it holds whoever is first
            os.setpgid(pid, pid)
        os.close(number)
        self._pids.add(pid)
        return pid

    def _serve(self, number: int) -> None:
        """In the new process: it leads a process group, so that what it starts can be ended with it."""
        code = 1
        try:
            os.setpgid(0, 0)
            self._sock.close()
            code = serve(socket.socket(fileno=number), self._output)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def _end(self, pid: int, seconds: float) -> int | None:
        """How the process ended. None when that cannot be told."""
        if pid not in self._pids:
            return None
        code = _reaped(pid, seconds)
        _kill(pid)
        if code is None:
            code = _reaped(pid, _KILLED)
        self._pids.discard(pid)
        return code


def _reaped(pid: int, seconds: float) -> int | None:
    """The exit code, or the signal as a negative number, of a process that ends within ``seconds``."""
    end = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            return None
        time.sleep(_POLL)


def _kill(pid: int) -> None:
    """The process, and what it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        os.killpg(pid, signal.SIGKILL)
