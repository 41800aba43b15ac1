"""A time limit for a call of Python code, in threads.

Python cannot end a thread. A call that passes its limit is given up: its thread goes on until the call returns by
itself, and what it returns is thrown away. A thread that asks keeps its helper thread for the next call, which makes
a limit cost microseconds instead of a thread each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
Job = Callable[[], Any]


class TimeIsUp(Exception):
    """The call did not return within its limit."""


class _Helper:
    """A thread that makes one call after another until this object is gone."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._results: SimpleQueue[Any] = SimpleQueue()
        threading.Thread(target=_serve, args=(self._jobs, self._results), name="limited call", daemon=True).start()

    def call(self, job: Job, timeout: float) -> Any:
        self._jobs.put(job)
        try:
            return self._results.get(timeout=timeout)
        except Empty:
            raise TimeIsUp from None

    def __del__(self) -> None:
        self._jobs.put(None)


def _serve(jobs: SimpleQueue[Job | None], results: SimpleQueue[Any]) -> None:
    while (job := jobs.get()) is not None:
        results.put(job())
        del job  # or it would live until the next call


_own = threading.local()


def call_within(timeout: float, job: Callable[[], T]) -> T:
    """The result of ``job``, which must not raise, within ``timeout`` seconds. Raises TimeIsUp."""
    helper: _Helper = _own.__dict__.pop("helper", None) or _Helper()
    result: T = helper.call(job, timeout)
    _own.helper = helper  # a helper that is still busy is never used again
    return result
