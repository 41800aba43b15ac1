"""Requests of five HTTP calls, to an outside system that answers after 5 ms, beside the same calls from a bare pool."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence

from benchmarks.measures import STEPS, Run
from benchmarks.outside import DELAY, outside
from benchmarks.report import progress, say, table
from benchmarks.servers import Servers
from benchmarks.systems import SLOTS, ended

ROUNDS = 7
SECONDS = 2.0
_PATIENCE = 120.0
_BARE = "the same calls from a bare pool of threads"
SYSTEMS = {
    _BARE: ("bare_calls", "sqlite"),
    "Retrigger": ("calls", "sqlite"),
    "Retrigger, PostgreSQL": ("calls", "postgres"),
}


def main() -> None:
    """Print the table."""
    found: dict[str, list[Run]] = {name: [] for name in SYSTEMS}
    with Servers() as servers, outside() as address:
        for _ in range(ROUNDS):
            for name, (module, server) in SYSTEMS.items():
                found[name].append(_measure(module, servers.new(server), address))
                progress(
                    f"{name}: {found[name][-1].speed:,.0f} calls/s, {found[name][-1].step_cpu:,.0f} µs of CPU each"
                )
    speeds = {name: statistics.median(run.speed for run in runs) for name, runs in found.items()}
    cpus = {name: statistics.median(run.step_cpu for run in runs) for name, runs in found.items()}
    say(f"### HTTP steps\n\n{SLOTS} at once, {STEPS} a request; an answer takes {DELAY * 1000:.0f} ms.\n")
    rows = [(name, f"{speeds[name]:,.0f}", _share(found[name], found[_BARE]), f"{cpus[name]:,.0f}") for name in SYSTEMS]
    say(table(("system", "calls/s", "share of the bare pool", "µs of CPU a call"), rows))


def _share(runs: Sequence[Run], bare: Sequence[Run]) -> str:
    """The median of the rounds' shares, the least and the most: no machine is as quick in one round as in another."""
    shares = sorted(run.speed / its.speed for run, its in zip(runs, bare, strict=True))
    return f"{statistics.median(shares):.0%} ({shares[0]:.0%} to {shares[-1]:.0%})"


def _measure(module: str, url: str, address: str) -> Run:
    command = [sys.executable, "-m", "benchmarks.systems", module, url, address, "0", str(SECONDS)]
    code, out, err = ended(command, _PATIENCE)
    if code:
        sys.exit(err)
    requests, seconds, cpu = map(float, out.split())
    return Run(int(requests), seconds, cpu)
