"""Requests of five steps that do nothing, through Retrigger and its peers, in rounds that alternate between all.

``python -m benchmarks.throughput [WORD ...]``: only the systems in whose name, module or server each word is.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.measures import STEPS, Run
from benchmarks.report import progress, say, table
from benchmarks.servers import Servers, missing
from benchmarks.systems import System, ended

ROUNDS = 5
SECONDS = 2.0  # that a run takes at least
_PATIENCE = 180.0
_BARE = "bare"

GROUPS: dict[str, tuple[System, ...]] = {  # what the others are compared with comes last
    "SQLite, one process": (
        System("Retrigger, `isolation: thread`", "retrigger", "sqlite", "thread"),
        System("Retrigger, `isolation: process`", "retrigger", "sqlite", "process"),
        System("its writes alone", _BARE, "sqlite"),
        System("DBOS", "peer_dbos", "sqlite"),
    ),
    "SQLite, one process on one processor": (
        System("Retrigger, `isolation: thread`, 64 slots", "retrigger", "sqlite", "thread, 64 slots", pinned=True),
        System("DBOS", "peer_dbos", "sqlite", pinned=True),
    ),
    "PostgreSQL, one process": (
        System("Retrigger", "retrigger", "postgres", "thread"),
        System("DBOS", "peer_dbos", "postgres"),
    ),
    "PostgreSQL, one process on one processor": (
        System("Retrigger", "retrigger", "postgres", "thread", pinned=True),
        System("DBOS", "peer_dbos", "postgres", pinned=True),
    ),
    "PostgreSQL, workers": (
        System("Retrigger, `executor: apscheduler`, 1 worker", "retrigger", "postgres", "thread", 1),
        System("Retrigger, `executor: apscheduler`, 2 workers", "retrigger", "postgres", "thread", 2),
        System("Retrigger, `executor: procrastinate`, 1 worker", "retrigger", "postgres", "thread, procrastinate", 1),
        System("Retrigger, `executor: procrastinate`, 2 workers", "retrigger", "postgres", "thread, procrastinate", 2),
        System("Procrastinate alone, 1 worker", "peer_procrastinate", "postgres", "", 1),
        System("Procrastinate alone, 2 workers", "peer_procrastinate", "postgres", "", 2),
        System("DBOS queue, 2 workers", "peer_dbos", "postgres", "tuned", 2),
        System("DBOS queue, 1 worker", "peer_dbos", "postgres", "tuned", 1),
    ),
    "Redis, workers": (
        System("Celery, defaults, 1 worker", "peer_celery", "redis", "", 1),
        System("Celery, reliable, 1 worker", "peer_celery", "redis, flushed", "reliable", 1),
        System("Celery, reliable, 2 workers", "peer_celery", "redis, flushed", "reliable", 2),
        System("Dramatiq, defaults, 1 worker", "peer_dramatiq", "redis", "", 1),
        System("Dramatiq, reliable, 1 worker", "peer_dramatiq", "redis, flushed", "reliable", 1),
        System("Dramatiq, reliable, 2 workers", "peer_dramatiq", "redis, flushed", "reliable", 2),
    ),
}


class Failed(NamedTuple):
    """Why there is no figure."""

    why: str


def main(words: Sequence[str] = ()) -> None:
    """Print the tables."""
    groups = {title: tuple(it for it in group if _is_meant(it, words)) for title, group in GROUPS.items()}
    found: dict[System, list[Run | Failed]] = {system: [] for group in groups.values() for system in group}
    with Servers() as servers:
        for number in range(ROUNDS):
            for system, runs in found.items():
                if not runs or isinstance(runs[-1], Run):
                    runs.append(measure(system, servers))
                    progress(f"round {number + 1}: {system.name}, {system.server}: {_told(runs[-1])}")
    say(f"### No-op steps\n\nRequests of {STEPS} steps; medians of {ROUNDS} alternating rounds.\n")
    for title, group in groups.items():
        if group:
            heads = (title, "steps/s", f"times {group[-1].name}", "µs of CPU a step")
            say(table(heads, [_row(system.name, found[system], found[group[-1]]) for system in group]))


def _is_meant(system: System, words: Sequence[str]) -> bool:
    return all(word in f"{system.name} {system.module} {system.server}".lower() for word in words)


def _row(name: str, runs: Sequence[Run | Failed], base: Sequence[Run | Failed]) -> list[str]:
    """Times the base: the median of the rounds' quotients, the least and the most. A machine is not as quick in one
    round as in another."""
    run = _median(runs)
    if isinstance(run, Failed):
        return [name, f"none: {run.why}", "", ""]
    told = ""
    if isinstance(_median(base), Run):
        times = sorted(_speed(ours) / _speed(its) for ours, its in zip(runs, base, strict=True))
        told = f"{statistics.median(times):.1f} ({times[0]:.1f} to {times[-1]:.1f})"
    return [name, f"{run.speed:,.0f}", told, f"{run.step_cpu:,.0f}"]


def _speed(run: Run | Failed) -> float:
    assert isinstance(run, Run)
    return run.speed


def measure(system: System, servers: Servers) -> Run | Failed:
    """One run, in a process of its own."""
    if why := missing(system.server):
        return Failed(why)
    url = servers.new(system.server)
    words = ["systems", system.module, url, system.variant, str(system.workers), str(SECONDS)]
    if system.module == _BARE:
        words = [_BARE, url, str(SECONDS)]
    command = [*system.keeping, sys.executable, "-m", f"benchmarks.{words[0]}", *words[1:]]
    try:
        code, out, err = ended(command, _PATIENCE)
    except subprocess.TimeoutExpired:
        return Failed(f"not done within {_PATIENCE:.0f} s")
    if code:
        return Failed(" ".join(err.split("\n")[-2:]).strip())
    requests, seconds, cpu = map(float, out.split()[-3:])
    return Run(int(requests), seconds, cpu)


def _median(runs: Sequence[Run | Failed]) -> Run | Failed:
    """By speed. One failure is not hidden behind the runs that went well."""
    good = [run for run in runs if isinstance(run, Run)]
    if len(good) < len(runs):
        return next(run for run in runs if isinstance(run, Failed))
    middle = statistics.median_low(sorted(run.speed for run in good))
    return next(run for run in good if run.speed == middle)


def _told(run: Run | Failed) -> str:
    if isinstance(run, Failed):
        return run.why
    return f"{run.requests} requests, {run.speed:,.0f} steps/s, {run.step_cpu:,.0f} µs of CPU a step"


if __name__ == "__main__":
    main([word.lower() for word in sys.argv[1:]])
