"""What a process made for functions does: one call after another, until the worker closes its end."""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from engine.functions import find_function
from engine.isolation.answer import Answer, answer
from engine.isolation.output import Output
from engine.isolation.wire import Wire, WireClosed
from engine.limits import MAX_FUNCTION_MEMORY, MAX_MESSAGE_BYTES
from engine.logs.printed import end_lines
from engine.values.masking import Masker, step_masker

_GROWN = MAX_FUNCTION_MEMORY // 2
CUT_OFF = 113  # exit code of a process whose connection with the worker was closed by the function


def serve(sock: socket.socket, output: Output) -> int:
    """Answer calls in this process, which was just forked, until no more are to come. Returns its exit code."""
    me = os.getpid()
    _prepare(sock)
    is_worn_out = _wear()
    wire = Wire(sock, MAX_MESSAGE_BYTES)
    worn_out = False
    while not worn_out:
        try:
            message = wire.receive()
        except WireClosed:
            return 0
        name, args, output.ids, hidden = json.loads(message)
        step_masker.set(Masker(hidden) if hidden else None)
        told = _call(name, args)
        if os.getpid() != me:
            return 0  # the function forked, and this is the copy, which nobody waits for
        worn_out = is_worn_out(told)
        try:
            wire.send(json.dumps([*told, worn_out]).encode())
        except WireClosed:
            return CUT_OFF
    return 0


def heed_no_stop_signals() -> None:
    """Supervisors send them to all processes at once; when these end is for the worker to say."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ignore)  # SIG_IGN would hold in the programs that a function starts, too


def _ignore(number: int, frame: FrameType | None) -> None:
    pass


def _call(name: str, args: dict[str, Any]) -> Answer:
    known = find_function(name)
    if known is None:
        return Answer(problem="is not registered by the modules of the settings' functions.")
    return answer(known.call, args)


def _wear() -> Callable[[Answer], bool]:
    """Tells, after a call, whether it left something behind that the next one in this process would suffer from."""
    out, err, folder, most = sys.stdout, sys.stderr, _folder(), _peak() + _GROWN

    def is_worn_out(told: Answer) -> bool:
        try:
            end_lines(out, err)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except Exception:  # its output is closed, say
            return True
        return (
            (sys.stdout, sys.stderr, _folder()) != (out, err, folder)
            or err.closed
            or threading.active_count() > 1
            or _peak() > most
            or (told.trace is not None and "MemoryError" in told.trace)
        )

    return is_worn_out


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None


def _prepare(sock: socket.socket) -> None:
    os.register_at_fork(after_in_child=lambda: _forked_by_a_function(sock))
    faulthandler.enable()  # a crash tells, on standard error, where it was
    _limit_memory()


def _forked_by_a_function(sock: socket.socket) -> None:
    """A copy of the socket would hide from the worker that this process has ended."""
    sock.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _limit_memory() -> None:
    """To what the loaded modules take and MAX_FUNCTION_MEMORY more, where /proc tells the first: macOS has no
    /proc, and a limit that it does not keep."""
    try:
        with open("/proc/self/statm", encoding="ascii") as sizes:
            taken = int(sizes.read().split()[0]) * resource.getpagesize()
    except OSError:
        return
    most, (_, hard) = taken + MAX_FUNCTION_MEMORY, resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _peak() -> int:
    """The most memory that this process has had at any time, in bytes."""
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else found * 1024
