"""``python -m benchmarks [REQUESTS]``: the no-op comparison, printed as a table (also ``make bench``)."""

from __future__ import annotations

import statistics
import subprocess
import sys

from benchmarks.noop import STEPS

ROUNDS = 3
SYSTEMS: dict[str, tuple[str, ...]] = {  # the module, and what follows the number of requests
    "Retrigger, thread": ("benchmarks.noop", "thread"),
    "Retrigger, process": ("benchmarks.noop", "process"),
    "DBOS": ("benchmarks.peer_dbos",),
}


def measure(system: str, requests: int) -> float:
    """Steps a second of one run, in a process of its own."""
    module, *more = SYSTEMS[system]
    command = [sys.executable, "-m", module, str(requests), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return requests * STEPS / float(done.stdout.split()[-1])


def main(requests: int) -> None:
    """Interleave the rounds, so that whatever else the machine does falls on all alike."""
    print(f"{requests} requests of {STEPS} no-op steps on SQLite, {ROUNDS} interleaved rounds\n")
    speeds: dict[str, list[float]] = {name: [] for name in SYSTEMS}
    for number in range(ROUNDS):
        for name in SYSTEMS:
            speeds[name].append(measure(name, requests))
            print(f"round {number + 1}: {name:<20} {speeds[name][-1]:8.0f} steps/s", flush=True)
    medians = {name: statistics.median(found) for name, found in speeds.items()}
    print()
    for name, median in medians.items():
        print(f"{name:<20} {median:8.0f} steps/s   {median / medians['DBOS']:6.1f} times DBOS")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
