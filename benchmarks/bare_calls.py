"""The limit of HTTP steps: the same calls from a bare pool of as many threads, with requests, and nothing else.

The variant is the address of the outside system. Each thread keeps a session, as requests advises for many calls.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from uuid import uuid4

import requests

from benchmarks.calls import AT_ONCE, INPUT
from benchmarks.measures import STEPS


class Client:
    """Five calls one after another are a request."""

    def __init__(self, pool: ThreadPoolExecutor, address: str) -> None:
        self._pool, self._url = pool, f"{address}/accounts"
        self._own = threading.local()
        self._counter, self._done = count(1), 0

    def submit(self) -> None:
        self._pool.submit(self._call)

    def _call(self) -> None:
        session = self._own.__dict__.setdefault("session", requests.Session())
        for place in range(STEPS):
            answer = session.post(
                self._url, json=INPUT | {"place": place}, headers={"Idempotency-Key": uuid4().hex}, timeout=10
            )
            answer.raise_for_status()
            answer.json()
        self._done = next(self._counter)

    def done(self) -> int:
        return self._done


@contextmanager
def client(url: str, variant: str, *, embedded: bool) -> Iterator[Client]:
    """See benchmarks.systems; there is no database."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield Client(pool, variant)
