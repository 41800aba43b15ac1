"""From the submit to the start of the first step, one request after the other, with nobody else there."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measures import percentile
from benchmarks.report import progress, say, table
from benchmarks.servers import Servers, missing
from benchmarks.systems import System, end_orderly, ended, load, workers

TIMES = 100
_SECONDS = 30.0  # after which no more are submitted
_LOOK = 0.002
_PATIENCE = 120.0

SYSTEMS = (
    System("Retrigger, SQLite", "retrigger", "sqlite", "thread"),
    System("Retrigger, PostgreSQL, one process", "retrigger", "postgres", "thread"),
    System("Retrigger, `executor: apscheduler`, a worker", "retrigger", "postgres", "thread", 1),
    System("Retrigger, `executor: procrastinate`, a worker", "retrigger", "postgres", "thread, procrastinate", 1),
    System("DBOS, SQLite", "peer_dbos", "sqlite"),
    System("DBOS, PostgreSQL, one process", "peer_dbos", "postgres"),
    System("DBOS queue, asked 10 times a second, a worker", "peer_dbos", "postgres", "tuned", 1),
    System("Procrastinate, a worker", "peer_procrastinate", "postgres", "", 1),
    System("Celery, a worker", "peer_celery", "redis, flushed", "reliable", 1),
    System("Dramatiq, a worker", "peer_dramatiq", "redis, flushed", "reliable", 1),
)


def main() -> None:
    """Print the table."""
    with Servers() as servers:
        rows = [(system.name, *_told(servers, system)) for system in SYSTEMS]
    say(f"### Submit to start\n\nMilliseconds, of {TIMES} requests.\n")
    say(table(("system", "p50", "p99", "worst"), rows))


def _told(servers: Servers, system: System) -> tuple[str, str, str]:
    if why := missing(system.server):
        return f"none: {why}", "", ""
    facts = (system.module, servers.new(system.server), system.variant, str(system.workers))
    try:
        code, out, err = ended([sys.executable, "-m", "benchmarks.latency", *facts], _PATIENCE)
    except subprocess.TimeoutExpired:
        return f"none within {_PATIENCE:.0f} s", "", ""
    if code:
        return f"none: {err.strip().splitlines()[-1]}", "", ""
    times = [float(word) * 1000 for word in out.split()]
    found = percentile(times, 0.5), percentile(times, 0.99), max(times)
    progress(f"{system.name}: {found}")
    return tuple(f"{each:.1f}" for each in found)  # type: ignore[return-value]  # three, as annotated


def measure(module: str, url: str, variant: str, number: int) -> Iterator[float]:
    """Seconds of each."""
    opened = load(module).client(url, variant, embedded=not number)
    with tempfile.TemporaryDirectory() as folder, opened as client, workers(number, module, url, variant):
        client.submit()
        while not client.done():
            time.sleep(_LOOK)
        end = time.monotonic() + _SECONDS
        for place in range(TIMES):
            if time.monotonic() > end:
                return
            file = Path(folder) / str(place)
            ran_before = f"{time.time()} 0\n"  # so that it does not hang
            file.write_text(ran_before)
            begin = time.time()
            client.hang(str(file))
            while len(lines := file.read_text().splitlines()) < 2:
                time.sleep(_LOOK)
            yield float(lines[1].split()[0]) - begin


if __name__ == "__main__":
    end_orderly()
    print(*measure(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
