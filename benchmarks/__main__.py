"""``python -m benchmarks [REQUESTS] [--postgres]``: the no-op comparison, printed as a table (also ``make bench``)."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import NamedTuple

from benchmarks.measures import STEPS

ROUNDS = 3
SYSTEMS: dict[str, tuple[str, ...]] = {  # the module, and what follows the number of requests
    "Retrigger, thread": ("benchmarks.noop", "thread"),
    "Retrigger, process": ("benchmarks.noop", "process"),
    "its writes alone": ("benchmarks.bare",),
    "DBOS": ("benchmarks.peer_dbos",),
}
POSTGRES = {"Retrigger, thread, PostgreSQL": ("benchmarks.noop", "thread", "--postgres")}


class Measured(NamedTuple):
    """One run: steps a second, and microseconds of CPU a step."""

    speed: float
    cpu: float


def measure(words: tuple[str, ...], requests: int) -> Measured:
    """One run of a system, in a process of its own."""
    module, *more = words
    command = [sys.executable, "-m", module, str(requests), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, cpu = map(float, done.stdout.split()[-2:])
    return Measured(requests * STEPS / seconds, cpu / requests / STEPS * 1e6)


def main(requests: int, systems: dict[str, tuple[str, ...]]) -> None:
    """Interleave the rounds, so that whatever else the machine does falls on all alike."""
    print(f"{requests} requests of {STEPS} no-op steps, SQLite unless said, {ROUNDS} interleaved rounds\n")
    found: dict[str, list[Measured]] = {name: [] for name in systems}
    for number in range(ROUNDS):
        for name, words in systems.items():
            found[name].append(measure(words, requests))
            print(f"round {number + 1}: {_line(name, found[name][-1])}", flush=True)
    medians = {name: Measured(*map(statistics.median, zip(*runs, strict=True))) for name, runs in found.items()}
    print()
    for name, median in medians.items():
        print(f"{_line(name, median)}   {median.speed / medians['DBOS'].speed:6.1f} times DBOS")


def _line(name: str, run: Measured) -> str:
    return f"{name:<30} {run.speed:8.0f} steps/s   {run.cpu:6.0f} µs of CPU a step"


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    main(numbers[0] if numbers else 2000, SYSTEMS | (POSTGRES if "--postgres" in sys.argv else {}))
