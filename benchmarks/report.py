"""What every part prints: Markdown that docs/benchmarks.md takes as it is."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import metadata

_PEERS = ("dbos", "procrastinate", "celery", "dramatiq")
_FLUSHES = 50


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, first column to the left, the others to the right."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def say(text: str = "") -> None:
    """Print at once."""
    print(text, flush=True)


def progress(text: str) -> None:
    """What goes on, beside the report."""
    print(text, file=sys.stderr, flush=True)


def machine() -> str:
    """What hangs on the machine and its neighbours: every figure is to be read with it."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    python, peers = platform.python_version(), ", ".join(f"{name} {_version(name)}" for name in _PEERS)
    return (
        f"{time.strftime('%Y-%m-%d %H:%M')}, {os.cpu_count()} processors, load {load}; a flush to the disk takes "
        f"{flush():.1f} ms; Python {python}, SQLite {sqlite3.sqlite_version}, {peers}, Redis {_redis()}."
    )


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _redis() -> str:
    try:
        said = subprocess.run(["redis-server", "--version"], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        return "(not installed)"
    return next(word.removeprefix("v=") for word in said.split() if word.startswith("v="))


def flush() -> float:
    """Milliseconds of a small write that is flushed, in the folder that the databases are in; a median."""
    times = []
    with tempfile.TemporaryFile() as file:
        for _ in range(_FLUSHES):
            begin = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1000
