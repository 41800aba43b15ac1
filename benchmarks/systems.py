"""The common shape of Retrigger and its peers, and the list of what is compared.

Each is a module with ``client`` and ``work``: a client starts requests and counts those that have ended; ``work`` is a
worker, in a process of its own, or, where there are no workers, the client runs the steps itself.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from benchmarks.measures import Run, cpu, grown

ROOT = Path(__file__).parents[1]
MACHINE = "BENCH_MACHINE"  # variable of the environment
CALLERS = 8  # threads that submit
SLOTS = 32  # steps at once in a worker, as Retrigger's settings have it by default, where a peer lets one say so
_LOOK = 0.05  # seconds between two looks whether all have ended


class Client(Protocol):
    """Used from several threads at once."""

    def submit(self) -> None:
        """Start one request of STEPS steps that do nothing."""

    def done(self) -> int:
        """How many requests have ended so far."""

    def hang(self, file: str) -> None:
        """Start one whose only step calls ``ran(file)``."""


class Module(Protocol):
    """``variant`` is a word that the module knows, "" its default. ``embedded``: the client runs the steps, too."""

    def client(self, url: str, variant: str, *, embedded: bool) -> AbstractContextManager[Client]:
        """Makes what is missing at ``url``."""

    def work(self, url: str, variant: str) -> None:
        """Run until it is ended. Retrigger's is in a module of its own; without workers there is none."""


class System(NamedTuple):
    """``server``: what ``Servers.new`` knows. No ``workers``: the client runs the steps, in one process; on one
    processor, if it is ``pinned``."""

    name: str
    module: str
    server: str
    variant: str = ""
    workers: int = 0
    pinned: bool = False

    @property
    def keeping(self) -> list[str]:
        """The command before its command that keeps it on its processor."""
        return ["taskset", "--cpu-list", str(max(os.sched_getaffinity(0)))] if self.pinned else []


def load(name: str) -> Module:
    """The module of that name in this package."""
    return cast(Module, importlib.import_module(f"benchmarks.{name}"))


def start_worker(module: str, url: str, variant: str, machine: str) -> subprocess.Popen[bytes]:
    """A worker in a process group of its own. ``machine``: the name of the one that it stands for."""
    command = [sys.executable, "-m", "benchmarks.work", module, url, variant]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), MACHINE: machine}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling all modules at each start takes most of it
    quiet = None if "BENCH_DEBUG" in os.environ else subprocess.DEVNULL
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet, start_new_session=True)


def kill(worker: subprocess.Popen[bytes]) -> None:
    """kill -9, as when its machine is gone: with every process that came from it."""
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait(10)


@contextmanager
def workers(number: int, module: str, url: str, variant: str) -> Iterator[Sequence[subprocess.Popen[bytes]]]:
    """So many workers, killed in the end."""
    started = [start_worker(module, url, variant, str(place)) for place in range(number)]
    try:
        yield started
    finally:
        for worker in started:
            if worker.poll() is None:
                kill(worker)


def measure(module: str, url: str, variant: str, number: int, seconds: float) -> Run:
    """The throughput of one system, in this process and its workers."""
    opened = load(module).client(url, variant, embedded=not number)  # its tables are made before workers look for them
    with opened as client, workers(number, module, url, variant) as started:
        return grown(lambda requests: _run(client, requests), seconds, lambda: cpu([it.pid for it in started]))


def _run(client: Client, requests: int) -> None:
    goal = client.done() + requests
    with ThreadPoolExecutor(CALLERS) as pool:
        for submitted in [pool.submit(client.submit) for _ in range(requests)]:
            submitted.result()
    while client.done() < goal:
        time.sleep(_LOOK)


def ended(command: Sequence[str], seconds: float) -> tuple[int, str, str]:
    """Exit code and both outputs of a command that ends by itself; else it is asked to end its workers, and itself."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = process.communicate(timeout=seconds)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)
    return process.returncode, out, err


def end_orderly() -> None:
    """SIGTERM ends the workers and servers of this process, too."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))


if __name__ == "__main__":
    end_orderly()
    print(*measure(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5])))
