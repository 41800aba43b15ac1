"""Requests of five HTTP calls, to an outside system that answers after 5 ms, beside the same calls from a bare pool."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence

from benchmarks.calls import AT_ONCE
from benchmarks.measures import STEPS, Run
from benchmarks.outside import DELAY, outside
from benchmarks.report import progress, say, table
from benchmarks.servers import Servers
from benchmarks.systems import System, ended

ROUNDS = 7
SECONDS = 2.0
_PATIENCE = 120.0
_BARE = "the same calls from a bare pool of threads"
GROUPS = {  # what the others are compared with comes first
    title: (
        System(_BARE, "bare_calls", "sqlite", pinned=pinned),
        System("Retrigger", "calls", "sqlite", pinned=pinned),
        System("Retrigger, PostgreSQL", "calls", "postgres", pinned=pinned),
    )
    for title, pinned in (("one process", False), ("one process on one processor", True))
}


def main() -> None:
    """Print the table."""
    found: dict[System, list[Run]] = {system: [] for group in GROUPS.values() for system in group}
    with Servers() as servers, outside() as address:
        for _ in range(ROUNDS):
            for system, runs in found.items():
                runs.append(_measure(system, servers.new(system.server), address))
                where = "one processor" if system.pinned else "any processor"
                told = f"{runs[-1].speed:,.0f} calls/s, {runs[-1].step_cpu:,.0f} µs of CPU each"
                progress(f"{system.name}, {where}: {told}")
    say(f"### HTTP steps\n\n{AT_ONCE} at once, {STEPS} a request; an answer takes {DELAY * 1000:.0f} ms.\n")
    for title, group in GROUPS.items():
        heads = (title, "calls/s", "share of the bare pool", "µs of CPU a call")
        say(table(heads, [_row(system.name, found[system], found[group[0]]) for system in group]))


def _row(name: str, runs: Sequence[Run], bare: Sequence[Run]) -> list[str]:
    speed = statistics.median(run.speed for run in runs)
    cpu = statistics.median(run.step_cpu for run in runs)
    return [name, f"{speed:,.0f}", _share(runs, bare), f"{cpu:,.0f}"]


def _share(runs: Sequence[Run], bare: Sequence[Run]) -> str:
    """The median of the rounds' shares, the least and the most: no machine is as quick in one round as in another."""
    shares = sorted(run.speed / its.speed for run, its in zip(runs, bare, strict=True))
    return f"{statistics.median(shares):.0%} ({shares[0]:.0%} to {shares[-1]:.0%})"


def _measure(system: System, url: str, address: str) -> Run:
    words = [system.module, url, address, "0", str(SECONDS)]
    command = [*system.keeping, sys.executable, "-m", "benchmarks.systems", *words]
    code, out, err = ended(command, _PATIENCE)
    if code:
        sys.exit(err)
    requests, seconds, cpu = map(float, out.split())
    return Run(int(requests), seconds, cpu)
