"""kill -9 of the worker that runs a step: how long until the step runs again.

On one machine, a new worker is started at once, and its start counts. Between machines, a second worker is running
already. Whatever comes from the worker is killed with it. A peer that has not run the step again after a minute is
given up.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import progress, say, table
from benchmarks.servers import Servers, missing
from benchmarks.systems import System, end_orderly, ended, kill, load, start_worker

LIMIT = 60.0
TIMES = 2  # and the longer counts
SETTLE = 4.0  # seconds that the second worker has to come up when the first one is there
_INTO_IT = 1.0  # seconds that the step has run when it is killed
_START = 60.0
_LOOK = 0.005
_RESTART, _OTHER = "restart", "other"
_WAITING = 8  # so many at once of those that only wait to be given up; the others one by one

_DBOS = System("DBOS, defaults", "peer_dbos", "postgres")
_PROCRASTINATE = System("Procrastinate, defaults", "peer_procrastinate", "postgres")
_CELERY = System("Celery, defaults", "peer_celery", "redis")
_DRAMATIQ = System("Dramatiq, defaults", "peer_dramatiq", "redis")
SYSTEMS = (
    System("Retrigger, SQLite", "retrigger", "sqlite", "thread"),
    System("Retrigger, PostgreSQL, `executor: apscheduler`", "retrigger", "postgres", "thread"),
    System("Retrigger, PostgreSQL, `executor: procrastinate`", "retrigger", "postgres", "thread, procrastinate"),
    _DBOS,
    _PROCRASTINATE,
    System("Procrastinate, tuned", "peer_procrastinate", "postgres", "tuned"),
    _CELERY,
    System("Celery, reliable", "peer_celery", "redis, flushed", "reliable"),
    _DRAMATIQ,
    System("Dramatiq, reliable", "peer_dramatiq", "redis, flushed", "reliable"),
)
NEVER = {  # what takes over a minute, as was seen; tried all the same, all at once
    (_DBOS, _OTHER),
    *((system, way) for system in (_PROCRASTINATE, _CELERY, _DRAMATIQ) for way in (_RESTART, _OTHER)),
}


class Ran(NamedTuple):
    """When (time.time), and in which worker."""

    at: float
    worker: int


def main() -> None:
    """Print the table."""
    cases = [(system, way) for system in SYSTEMS for way in (_RESTART, _OTHER)]
    found: dict[tuple[System, str], str] = {}
    with Servers() as servers:
        for waiting, number in ((False, 1), (True, _WAITING)):
            some = [case for case in cases if (case in NEVER) is waiting]
            with ThreadPoolExecutor(number) as pool:
                found |= zip(some, pool.map(lambda case: _told(servers, *case), some), strict=True)
    say(f"### kill -9 to the step's next run\n\nSeconds; the longer of {TIMES} times.\n")
    rows = [(system.name, found[system, _RESTART], found[system, _OTHER]) for system in SYSTEMS]
    say(table(("system", "one machine, restarted at once", "another machine"), rows))


def _told(servers: Servers, system: System, way: str) -> str:
    if why := missing(system.server):
        return f"none: {why}"
    if system.server == "sqlite" and way == _OTHER:
        return "one machine only"
    times: list[float] = []
    while len(times) < TIMES:
        command = [sys.executable, "-m", "benchmarks.kill", system.module, servers.new(system.server), system.variant]
        try:
            code, out, err = ended([*command, way], _START + SETTLE + 2 * LIMIT)
        except subprocess.TimeoutExpired:
            return "none: the step did not begin"
        if code:
            return f"none: {err.strip().splitlines()[-1]}"
        progress(f"{system.name}, {way}: {out.strip()} s")
        times.append(float(out))
        if times[-1] > LIMIT:
            return f"> {LIMIT:.0f}"
    return f"{max(times):.1f}"


def measure(module: str, url: str, variant: str, way: str) -> float:
    """Seconds from the kill to the next run; more than LIMIT when there was none."""
    names = ["first"] if way == _RESTART else ["first", "second"]
    with tempfile.TemporaryDirectory() as folder, load(module).client(url, variant, embedded=False) as client:
        file = Path(folder) / "ran"
        workers = {it.pid: it for it in (start_worker(module, url, variant, name) for name in names)}
        try:
            client.submit()
            while not client.done():
                time.sleep(_LOOK)
            time.sleep(SETTLE)
            client.hang(str(file))
            killed = workers[_wait(file, 1, _START)[0].worker]
            time.sleep(_INTO_IT)
            kill(killed)
            killed_at = time.time()
            if way == _RESTART:
                again = start_worker(module, url, variant, names[0])
                workers[again.pid] = again
            return _next_run(file) - killed_at
        finally:
            for worker in workers.values():
                if worker.poll() is None:
                    kill(worker)


def _next_run(file: Path) -> float:
    try:
        return _wait(file, 2, LIMIT)[1].at
    except TimeoutError:
        return float("inf")


def _wait(file: Path, times: int, seconds: float) -> Sequence[Ran]:
    """What the step noted, once it has run so often. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        lines = file.read_text().splitlines() if file.exists() else []
        if len(lines) >= times:
            return [Ran(float(at), int(worker)) for at, worker in map(str.split, lines)]
        time.sleep(_LOOK)
    raise TimeoutError(f"The step did not run within {seconds:.0f} s.")


if __name__ == "__main__":
    end_orderly()
    print(f"{measure(*sys.argv[1:]):.2f}")
