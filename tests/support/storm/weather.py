"""What a storm does to the machinery: outside systems fail in every way, engines and what they started are killed,
hang and stop, and are started again."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import psutil

from tests.support.outside import Outside

SYSTEMS = ("identity", "facilities", "it", "mail")
LEASE = 5.0  # seconds: who is alive must renew it on a busy machine, too
_MISCHIEF = ("up", "up", "down", "slow", "wrong_data", "no_answer")
_SERVER = "retrigger-functions"  # in the command line of what forks processes for functions


class Victim(Protocol):
    """An engine as a storm needs it. ``worker``: the beginning of the names under which it runs steps; ``said``: its
    log."""

    @property
    def pid(self) -> int: ...
    @property
    def worker(self) -> str: ...
    @property
    def is_alive(self) -> bool: ...
    @property
    def code(self) -> int | None: ...
    @property
    def said(self) -> str: ...

    def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def stop(self) -> int: ...


Start = Callable[[], Victim]


def break_something(outside: Outside, chance: random.Random) -> None:
    """Turn one system's switch for the next few calls."""
    mode, seconds = chance.choice(_MISCHIEF), chance.choice((0.1, 0.3, 2.0))
    outside.turn(chance.choice(SYSTEMS), mode, seconds, times=chance.choice((1, 2, 5)))


def mend_everything(outside: Outside) -> None:
    for system in SYSTEMS:
        outside.turn(system, "up")


class Fleet:
    """``size`` engines on one database. Used by one thread at a time."""

    def __init__(self, start: Start, size: int, chance: random.Random) -> None:
        self._start, self._chance = start, chance
        self.engines = [start() for _ in range(size)]
        self.gone: set[str] = set()  # the beginnings of the names of engines that died or hung
        self.happened: Counter[str] = Counter()

    def suffer(self, over: threading.Event) -> None:
        """One thing that happens to one engine, which is well again, or has a successor, in the end. Hurries when
        the storm is ``over``."""
        several = len(self.engines) > 1
        endings = {"kill": 6, "stop": 2, "hang": 2 if several else 0, "fork server killed": 1, "function killed": 2}
        (ending,) = self._chance.choices(list(endings), list(endings.values()))
        engine = self._chance.choice(self.engines)
        if ending == "fork server killed":
            self._kill_one_of(_fork_servers(engine), ending)
        elif ending == "function killed":
            self._kill_one_of([it for server in _fork_servers(engine) for it in _children(server)], ending)
        elif ending == "hang":
            self._hang(engine, over)
        else:
            self.end_one(engine, ending)
            self.look_after()

    def end_one(self, engine: Victim | None = None, ending: str = "kill") -> None:
        """kill -9, or a clean stop; none takes its place yet."""
        engine = engine or self._chance.choice(self.engines)
        self.happened[ending] += 1
        if ending == "stop":
            code = engine.stop() if engine.is_alive else engine.code
            assert code in (0, -signal.SIGKILL), engine.said[-3000:]  # the latter by a step, just now
        else:
            engine.kill()

    def look_after(self) -> None:
        """Another one for each that has ended."""
        for place, engine in enumerate(self.engines):
            if not engine.is_alive:
                assert engine.code in (0, -signal.SIGKILL), engine.said[-3000:]
                if engine.code:
                    self.gone.add(engine.worker)
                self.engines[place] = self._start()

    def end(self) -> None:
        """Kill them all."""
        for engine in self.engines:
            engine.kill()

    def _hang(self, engine: Victim, over: threading.Event) -> None:
        """For longer than its lease, so that another one takes over what it runs."""
        if engine.is_alive:
            self.happened["hang"] += 1
            self.gone.add(engine.worker)
            engine.pause()
            over.wait(LEASE + 1.5)
            engine.resume()

    def _kill_one_of(self, processes: list[psutil.Process], what: str) -> None:
        if processes:
            self.happened[what] += 1
            with suppress(psutil.NoSuchProcess):
                self._chance.choice(processes).kill()


def _fork_servers(engine: Victim) -> list[psutil.Process]:
    return [it for it in _children(psutil.Process(engine.pid)) if _is_server(it)] if engine.is_alive else []


def _children(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return list(process.children())
    return []


def _is_server(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return _SERVER in process.cmdline()
    return False
