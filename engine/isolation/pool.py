"""Gives each call of a function a process, keeps its time limit, and tells how it ended (SPEC 2).

A call has its process to itself, and talks with it over a socket that no other process has: nothing that happens to one
process can be felt in another. The thread that runs the step waits for the answer itself; no other thread is involved.
There are as many processes as calls at one moment, which the worker's slots bound, so no call waits for another.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Collection, Sequence
from threading import Lock
from typing import NamedTuple

from engine.isolation.answer import Answer
from engine.isolation.child import CUT_OFF
from engine.isolation.errors import Crashed, NoProcess, Stopped, TookTooLong
from engine.isolation.forks import ForkServer, FunctionProcess
from engine.isolation.wire import WireClosed
from engine.logs import of_claim, running
from engine.values.masking import step_masker

IDLE = 60.0  # seconds after which a process that was not needed ends
_TRIES = 3  # new processes for one call, should they die before they take it


class _Idle(NamedTuple):
    process: FunctionProcess
    since: float


class Processes:
    """``modules`` register the functions when they are imported. What these print has no ``secrets`` in it, and is JSON
    where ``json_lines`` is set. They run on these ``processors`` where the engine keeps to others; none: where it does.
    Nothing is started before it is needed."""

    def __init__(
        self,
        modules: Sequence[str] = (),
        secrets: Collection[str] = (),
        *,
        json_lines: bool = False,
        processors: Collection[int] = (),
    ) -> None:
        self._modules, self._secrets, self._json_lines = tuple(modules), secrets, json_lines
        self._processors = processors
        self._lock = Lock()
        self._server: ForkServer | None = None
        self._idle: list[_Idle] = []  # the one that was needed last is taken first
        self._running = 0
        self._stopped = False

    def call(self, name: str, args: str, limit: float) -> Answer:
        """Call the function ``name`` with ``args``, a JSON object; ``limit`` in seconds counts from when it begins.

        Raises TookTooLong, Crashed, Stopped, and NoProcess when there is none to be had.
        """
        with self._lock:
            self._running += 1
        try:
            claim = running.get()
            ids, masker = json.dumps(of_claim(claim) if claim else {}), step_masker.get()
            hidden = json.dumps(sorted(masker.values) if masker else [])
            return self._call(f"[{json.dumps(name)},{args},{ids},{hidden}]".encode(), limit)
        finally:
            with self._lock:
                self._running -= 1

    def stop(self) -> bool:
        """End every process. True when that cut calls short, which raise Stopped."""
        with self._lock:
            self._stopped = True
            cut_short, server, idle = self._running > 0, self._server, self._idle
            self._server, self._idle = None, []
        for each in idle:
            each.process.wire.close()
        if server is not None:
            server.stop()
        return cut_short

    def _call(self, message: bytes, limit: float) -> Answer:
        process = self._handed_over(message, limit)
        try:
            result, problem, trace, worn_out = json.loads(process.wire.receive(limit))
        except TimeoutError:
            process.end(0.0)
            raise TookTooLong from None
        except (WireClosed, ValueError, TypeError) as error:
            code = process.end()
            if self._stopped:
                raise Stopped from None
            raise Crashed(_how(code), process.pid) from error
        if worn_out:
            process.end()
        else:
            self._put_back(process)
        return Answer(result, problem, trace)

    def _handed_over(self, message: bytes, limit: float) -> FunctionProcess:
        """A process that has the call. One that has died before it took it has not begun it, so another does it."""
        tries = 0
        while True:
            process = self._take()
            if process is None:
                tries += 1
                process = self._new()
            try:
                process.wire.send(message, limit)
                return process
            except (WireClosed, TimeoutError) as error:
                code = process.end()
                if self._stopped:
                    raise Stopped from None
                if tries >= _TRIES:
                    raise NoProcess(f"{_how(code)}, before it could take the call") from error

    def _take(self) -> FunctionProcess | None:
        with self._lock:
            return self._idle.pop().process if self._idle else None

    def _put_back(self, process: FunctionProcess) -> None:
        """The process is free for the next call. Ends another one that was not needed for long."""
        now, unneeded = time.monotonic(), None
        with self._lock:
            if self._idle and self._idle[0].since < now - IDLE:
                unneeded = self._idle.pop(0).process
            if self._stopped:
                process.wire.close()
            else:
                self._idle.append(_Idle(process, now))
        if unneeded is not None:
            unneeded.end()

    def _new(self) -> FunctionProcess:
        """Raises NoProcess, where the machine gives none, too; Stopped."""
        try:
            return self._forked()
        except OSError as error:
            raise NoProcess(f"the machine gives none: {error}") from error

    def _forked(self) -> FunctionProcess:
        """A server that was killed is replaced by another; the processes that it made go on."""
        server = self._running_server()
        try:
            return server.fork()
        except WireClosed:
            with self._lock:
                if self._server is server:
                    self._server = None
            server.stop()
        try:
            return self._running_server().fork()
        except WireClosed as error:
            if self._stopped:
                raise Stopped from None
            raise NoProcess(f"what makes them has ended: {error}") from error

    def _running_server(self) -> ForkServer:
        with self._lock:
            if self._stopped:
                raise Stopped
            if self._server is None:
                self._server = ForkServer(self._modules, self._secrets, self._json_lines, self._processors)
            return self._server


def _how(code: int | None) -> str:
    if code is None:
        return "its process is gone"
    if code == CUT_OFF:
        return "it closed its process's connection with the worker"
    if code >= 0:
        return f"it ended its process with exit code {code}"
    number = -code
    return f"its process was ended by {_name(number)} ({signal.strsignal(number)})"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
