"""Two local networks: one leads to PostgreSQL, the other to the outside world. Each host has a cable to either."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from tests.support.front import Process
from tests.support.hosts import wrong_clock
from tests.support.hosts.namespace import Namespace, why_not

T = TypeVar("T")

DATABASE, OUTSIDE = "database", "outside"  # the local networks
_LANS = {DATABASE: "10.0.0", OUTSIDE: "10.0.1"}


class Network:
    """The switch, and what it takes to start processes on the hosts."""

    def __init__(self) -> None:
        self._switch = Namespace()
        self._switch.ip(*(f"link add {lan} type bridge forward_delay 0" for lan in _LANS))
        self._switch.ip(*(f"link set {lan} up" for lan in _LANS))
        # A process ends with the thread that started it (pdeathsig), so that is one that stays.
        self._births = ThreadPoolExecutor(1)
        self.hosts: dict[str, Host] = {}

    @classmethod
    @contextmanager
    def made(cls) -> Iterator[Network]:
        """One for a test, or the test is skipped. In the end everything on its hosts is killed."""
        if reason := why_not():
            pytest.skip(reason)
        try:
            network = cls()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this machine makes no bridges: {error.stderr}")
        try:
            yield network
        finally:
            network.close()

    def host(self, name: str) -> Host:
        """A new one, with both cables."""
        host = Host(self, name, len(self.hosts) + 1)
        self._switch.ip(
            *(f"link add {name}-{lan} type veth peer name {lan} netns {host.namespace.path}" for lan in _LANS),
            *(f"link set {name}-{lan} master {lan} up" for lan in _LANS),
        )
        host.namespace.ip(
            "link set lo up",
            *(f"addr add {host.address(lan)}/24 dev {lan}" for lan in _LANS),
            *(f"link set {lan} up" for lan in _LANS),
        )
        self.hosts[name] = host
        return host

    def birth(self, start: Callable[[], T]) -> T:
        """Start a process, which does not outlive this one."""
        return self._births.submit(start).result()

    def plug(self, name: str, lans: Sequence[str], state: str) -> None:
        """Of these cables, the switch's end. Of its links `ip` says what ``state`` names."""
        self._switch.ip(*(f"link set {name}-{lan} {state.format(lan)}" for lan in lans))

    def close(self) -> None:
        for host in self.hosts.values():
            host.kill()
            host.namespace.close()
        self._switch.close()
        self._births.shutdown()


class Host:
    """A machine of its own as far as networks and its name go. It shares the disk with all others."""

    def __init__(self, network: Network, name: str, number: int) -> None:
        self._network, self.name, self._number = network, name, number
        self.namespace = Namespace()

    def address(self, lan: str) -> str:
        return f"{_LANS[lan]}.{self._number}"

    # --- what runs on it ---------------------------------------------------------------------------------------

    def command(self, *words: str, kill: str = "KILL", user: str | None = None) -> list[str]:
        """What runs this command here, under this host's name, and ends it by the signal ``kill`` with the test."""
        as_user = [f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        named = ["unshare", "--uts", "--", "sh", "-c", 'hostname "$0" && exec "$@"', self.name]
        return self.namespace.command(*named, "setpriv", *as_user, f"--pdeathsig={kill}", *words)

    def start(self, folder: Path, environment: Mapping[str, str], *words: str, clock: float = 0.0) -> Process:
        """The command `retrigger`; the clock that it sees is wrong by so many seconds."""
        python = [sys.executable, "-m", "retrigger"]
        if clock:
            python = [sys.executable, "-m", wrong_clock.__name__, str(clock)]
        return self._network.birth(partial(Process, folder, *words, by=self.command(*python), **environment))

    def serve(self, start: Callable[..., T]) -> T:
        """Start what listens in threads of this process; it is given ``host``, where it is reached from the outside."""
        return self.namespace.run(lambda: start(host=self.address(OUTSIDE)))

    def popen(self, words: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        """Any command (see ``command``)."""
        with log.open("ab") as out:
            return self._network.birth(
                lambda: subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
            )

    def kill(self) -> None:
        """kill -9 of everything that runs here."""
        while pids := self.namespace.pids():
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)

    # --- what happens to it ------------------------------------------------------------------------------------

    def cut_off(self, *lans: str, silently: bool = True) -> None:
        """From these local networks, or all. What runs here goes on running. ``silently``: what is sent is swallowed;
        else the cable is unplugged, and this machine sees that its link is down."""
        self._network.plug(self.name, lans or tuple(_LANS), "nomaster" if silently else "down")

    def reconnect(self) -> None:
        self._network.plug(self.name, tuple(_LANS), "master {} up")

    def lose_large_packets(self, to: str, *, lose: bool = True) -> None:
        """On the cable from the switch to the host ``to``, those that this host sends into the database's network."""
        self.namespace.ip(f"link set {DATABASE} gso_max_segs 1 gso_max_size 1500")  # the switch passes on large ones
        self._network.plug(to, [DATABASE], f"mtu {500 if lose else 1500}")

    def lose_power(self) -> None:
        """Everything here is gone at once, and no connection of it is ended: the others hear nothing."""
        self.cut_off()
        self.kill()

    def flap(self, over: threading.Event, chance: random.Random, lan: str = DATABASE, seconds: float = 3.0) -> None:
        """A bad cable: packets are lost by the dozen, for so many seconds, or until ``over``."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not over.wait(chance.uniform(0.0, 0.3)):
            self.cut_off(lan)
            over.wait(chance.uniform(0.0, 0.3))
            self.reconnect()
