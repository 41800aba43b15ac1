"""``python -m benchmarks [REQUESTS]``: the no-op comparison, printed as a table (also ``make bench``)."""

from __future__ import annotations

import statistics
import subprocess
import sys

from benchmarks.noop import STEPS

ROUNDS = 3
SYSTEMS = {"Retrigger": "benchmarks.noop", "DBOS": "benchmarks.peer_dbos"}


def measure(module: str, requests: int) -> float:
    """Steps a second of one run, in a process of its own."""
    done = subprocess.run([sys.executable, "-m", module, str(requests)], capture_output=True, text=True, check=True)
    return requests * STEPS / float(done.stdout.split()[-1])


def main(requests: int) -> None:
    """Interleave the rounds, so that whatever else the machine does falls on all alike."""
    print(f"{requests} requests of {STEPS} no-op steps on SQLite, {ROUNDS} interleaved rounds\n")
    speeds: dict[str, list[float]] = {name: [] for name in SYSTEMS}
    for number in range(ROUNDS):
        for name, module in SYSTEMS.items():
            speeds[name].append(measure(module, requests))
            print(f"round {number + 1}: {name:<10} {speeds[name][-1]:8.0f} steps/s", flush=True)
    medians = {name: statistics.median(found) for name, found in speeds.items()}
    print()
    for name, median in medians.items():
        print(f"{name:<10} {median:8.0f} steps/s   {median / medians['DBOS']:6.1f} times DBOS")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
