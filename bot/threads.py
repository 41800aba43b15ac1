"""The threads of what comes in from Slack. None of it may wait for something slower than itself (SPEC 7: 3 s)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from threading import local
from typing import Any, TypeVar

from engine.logs import logger

WORKING = 32  # clicks, commands and events at once; Bolt's own 5 are used up by five slow clicks
ACTING = 32  # submitted windows that are carried out at once
WAITING = 128  # submitted windows that wait for that, 2 s at the most: enough for 64 a second
ARRIVING = WORKING + WAITING  # payloads taken in at once: each is acknowledged, or a window that waits

T = TypeVar("T")

log = logger(__name__)


class Threads(Executor):
    """What Bolt runs its listeners in. Submitted windows have threads of their own, for they must answer in time
    however many slow clicks there are; ``submits`` is set by whoever is about to hand one over, in the same thread."""

    def __init__(self) -> None:
        self.working = ThreadPoolExecutor(WORKING, thread_name_prefix="slack")
        self.acting = ThreadPoolExecutor(ACTING, thread_name_prefix="submit")
        self._waiting = ThreadPoolExecutor(WAITING, thread_name_prefix="window")
        self._arriving = local()

    def arriving(self, *, submitted: bool) -> None:
        """Say what this thread will hand over next."""
        self._arriving.submitted = submitted

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        pool = self._waiting if getattr(self._arriving, "submitted", False) else self.working
        return pool.submit(copy_context().run, partial(fn, *args, **kwargs))

    def later(self, work: Callable[..., None], *args: Any) -> None:
        """Do what nobody waits for."""
        self.working.submit(copy_context().run, _logged, work, *args)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """Submitted windows first: they may have something to tell, which the others' threads do. Clicks that still
        wait for a thread are past the time in which Slack opens a window; with ``cancel_futures`` they are let go."""
        self._waiting.shutdown(wait)
        self.acting.shutdown(wait)
        self.working.shutdown(wait, cancel_futures=cancel_futures)


def _logged(work: Callable[..., None], *args: Any) -> None:
    try:
        work(*args)
    except Exception:
        log.exception("listener.failed", says="What was to be done after an answer failed.")
