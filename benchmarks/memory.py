"""`retrigger up` as a process: how long until it runs, and its memory, at rest and with 100,000 open requests.

Memory is what the process and those of its functions have for themselves, and their share of what they have in common
(PSS; where the system does not tell that, RSS). Half of the open requests are Blocked, half wait for a time to come.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.filled import OPEN, fill, open_on
from benchmarks.report import progress, say, table
from benchmarks.retrigger_worker import write_settings
from benchmarks.systems import ROOT, kill
from storage.database import open_database

REQUESTS = 100_000
_REST = 10.0  # seconds: its regular jobs have run, and the sweeps that it makes each second
_PATIENCE = 120.0
_RUNS = "Ctrl-C stops it."


class Process(NamedTuple):
    """``started``: seconds to ``_RUNS``; ``cpu``: of them, of CPU. Bytes."""

    started: float
    cpu: float
    at_first: int
    at_rest: int


def main() -> None:
    """Print the table."""
    rows = []
    compiled = [sys.executable, "-c", "import retrigger.cli, retrigger.up, retrigger.api.app"]
    subprocess.run(compiled, cwd=ROOT, env=_environment(), check=True)  # as it is after the first start
    for name, number in (("a new database", 0), (f"{REQUESTS:,} open requests", REQUESTS)):
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{Path(folder) / 'memory.db'}"
            if number:
                site = open_on(open_database(url))
                fill(site, number, OPEN)
                site.close()
            found = measure(Path(folder), url)
        progress(f"{name}: {found}")
        sizes = (f"{size / 2**20:.0f} MiB" for size in (found.at_first, found.at_rest))
        rows.append((name, f"{found.started:.1f} s", f"{found.cpu:.1f} s", *sizes))
    say(f"### `retrigger up`\n\nEngine and API; the memory when it has started, and {_REST:.0f} s later.\n")
    say(table(("", "runs after", "CPU until then", "memory", "at rest"), rows))


def measure(folder: Path, url: str) -> Process:
    """Start it, and let it be."""
    file = write_settings(folder, url, "apscheduler")
    command = [sys.executable, "-m", "retrigger", "--config", str(file), "up"]
    begin = time.perf_counter()
    up = subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _wait_until_it_runs(up)
        started, cpu, at_first = time.perf_counter() - begin, _cpu(up.pid), _memory(up.pid)
        time.sleep(_REST)
        return Process(started, cpu, at_first, _memory(up.pid))
    finally:
        kill(up)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT)}


def _wait_until_it_runs(up: subprocess.Popen[bytes]) -> None:
    assert up.stderr
    end, said = time.monotonic() + _PATIENCE, b""
    with selectors.DefaultSelector() as selector:
        selector.register(up.stderr, selectors.EVENT_READ)
        while _RUNS.encode() not in said:
            if not selector.select(end - time.monotonic()) or not (more := os.read(up.stderr.fileno(), 65536)):
                sys.exit(f"`retrigger up` did not start: {said.decode()}")
            said += more


def _cpu(pid: int) -> float:
    return float(sum(psutil.Process(pid).cpu_times()[:2]))


def _memory(pid: int) -> int:
    process = psutil.Process(pid)
    sizes = [each.memory_full_info() for each in (process, *process.children(recursive=True))]
    return sum(getattr(size, "pss", size.rss) for size in sizes)
