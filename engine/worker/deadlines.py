"""Time limits of functions that run in the worker's own threads (``isolation: thread``).

A limit costs a function nothing while it runs: who is overdue is looked for from outside. Python cannot end a thread,
so an overdue function is given up: its step fails, its slot goes to another, and what it still returns is late
evidence (SPEC 3.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from engine.records import Claim


class Deadlines:
    """``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._running: dict[int, tuple[float, str, Claim]] = {}  # by object: deadline, what is told, claim
        self._lock = Lock()

    @contextmanager
    def within(self, claim: Claim, limit: float, told: str) -> Iterator[None]:
        """What runs inside has ``limit`` seconds; ``told`` is the error of a step that takes longer."""
        self._running[id(claim)] = (self._clock() + limit, told, claim)
        try:
            yield
        finally:
            with self._lock:
                self._running.pop(id(claim), None)

    def overdue(self) -> list[tuple[Claim, str]]:
        """Each claim whose time is over, with its error. It is told once."""
        now = self._clock()
        with self._lock:
            late = [key for key, (deadline, _, _) in list(self._running.items()) if deadline < now]
            return [(claim, told) for _, told, claim in map(self._running.pop, late)]
