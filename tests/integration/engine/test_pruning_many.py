"""Retention in a database of many requests, and what others notice of it (docs/decisions/0036)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import func, select

from benchmarks.filled import SOMEONE, Open, fill, open_on
from engine.commands.pruning import Pruner
from engine.ports.retention import PRUNABLE
from storage.database import open_database
from storage.tables import requests, steps
from tests.support.in_a_year import InAYear

LARGE = 50_000  # requests


@pytest.fixture
def large(database_url: str) -> Iterator[Open]:
    with closing(open_on(open_database(database_url))) as site:
        fill(site, LARGE)
        yield site


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_large_database_is_pruned_steadily_and_others_go_on(large: Open):
    ended = sum(number for status, number in large.store.counts().items() if status in PRUNABLE)
    speed, waits = _pruned(large, ended)
    waits.sort()
    median, slow = waits[len(waits) // 2], waits[int(0.99 * len(waits))]
    beside = f"a submit beside it {median * 1000:.0f} ms, p99 {slow * 1000:.0f} ms"
    print(f"{ended} of {LARGE} requests, {speed:.0f} a second; {beside}")  # noqa: T201  # with -s, the figures
    assert speed > 100
    assert slow < 0.5
    with large.database.reading() as connection:
        left = connection.scalar(select(func.count()).where(requests.c.pruned_at.is_(None), requests.c.id <= LARGE))
        of_pruned = (steps.c.request_id == requests.c.id, requests.c.pruned_at.is_not(None))
        results = connection.scalar(select(func.count()).where(*of_pruned, steps.c.result.is_not(None)))
    assert (left, results) == (LARGE - ended, 0)


def _pruned(site: Open, ended: int) -> tuple[float, list[float]]:
    """Requests in a second, and how long each submit took that somebody made meanwhile."""
    over, waits = threading.Event(), list[float]()

    def submit() -> None:
        while not over.wait(0.02):
            begun = time.perf_counter()
            site.engine.submit(SOMEONE, "hr_done", {"number": 1})
            waits.append(time.perf_counter() - begun)

    with ThreadPoolExecutor(1) as beside:
        submitting = beside.submit(submit)
        begun = time.perf_counter()
        try:
            done = Pruner(site.engine, InAYear(site.store)).prune(SOMEONE, 90)
        finally:
            took = time.perf_counter() - begun
            over.set()
        submitting.result()
    assert done.requests.total() == ended
    return ended / took, waits
