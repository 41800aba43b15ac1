"""Workers on hosts of their own, in a storm: beside all that happens to processes, cables are cut and power is lost."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Iterator

from tests.support.hosts.network import DATABASE, Host
from tests.support.hosts.site import Site
from tests.support.poll import wait_until
from tests.support.storm.weather import LEASE, Fleet, Start, Victim

_LONGEST_CUT = 4 * LEASE


class HostedEngine:
    """`retrigger worker` on a host of ``site``."""

    def __init__(self, site: Site, name: str, clock: float = 0.0) -> None:
        self.host: Host = site.host(name)
        self._process = site.begin("worker", name, clock=clock)
        wait_until(lambda: not self.is_alive or "Engine: running" in self.said, f"the worker on {name}", 60.0)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def worker(self) -> str:
        return f"{self.host.name}-{self.pid}-"

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive

    @property
    def code(self) -> int | None:
        return None if self.is_alive else self._process.code()

    @property
    def said(self) -> str:
        return self._process.said

    def kill(self) -> None:
        self._process.end(signal.SIGKILL)

    def pause(self) -> None:
        self._process.send(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send(signal.SIGCONT)

    def stop(self) -> int:
        return self._process.end(signal.SIGTERM)


class HostFleet(Fleet):
    """One engine on each host. Several may be cut off at once, and while PostgreSQL restarts, too."""

    def __init__(self, start: Start, size: int, chance: random.Random) -> None:
        super().__init__(start, size, chance)
        self._mended_at: dict[Host, float] = {}

    def suffer(self, over: threading.Event) -> None:
        happening = self._chance.choice(("cut off", "bad cable", "power lost", "something else", "something else"))
        engine = self._chance.choice([*self._connected()] or self.engines)
        assert isinstance(engine, HostedEngine)
        if happening == "something else" or engine.host in self._mended_at:
            super().suffer(over)
            return
        self.happened[happening] += 1
        self.gone.add(engine.worker)
        if happening == "cut off":
            engine.host.cut_off(DATABASE, silently=self._chance.random() < 0.5)
            self._mended_at[engine.host] = time.monotonic() + self._chance.uniform(0.5, _LONGEST_CUT)
        elif happening == "bad cable":
            engine.host.flap(over, self._chance, seconds=self._chance.uniform(1.0, LEASE))
        else:
            engine.host.lose_power()
            engine.kill()
            engine.host.reconnect()
            self.look_after()

    def end_one(self, engine: Victim | None = None, ending: str = "kill") -> None:
        """Who is cut off cannot stop in an orderly way, and none can be started there."""
        connected = list(self._connected())
        if connected:
            super().end_one(engine if engine in connected else self._chance.choice(connected), ending)

    def look_after(self) -> None:
        for host, moment in list(self._mended_at.items()):
            if time.monotonic() >= moment:
                host.reconnect()
                del self._mended_at[host]
        if all(engine.is_alive or engine.host not in self._mended_at for engine in self._hosted()):
            super().look_after()

    def _hosted(self) -> Iterator[HostedEngine]:
        for engine in self.engines:
            assert isinstance(engine, HostedEngine)
            yield engine

    def _connected(self) -> Iterator[HostedEngine]:
        return (engine for engine in self._hosted() if engine.host not in self._mended_at)
