"""Celery on Redis: chains of five no-op tasks; the last one counts.

The default acknowledges a task before it runs, and loses it with its worker. ``reliable`` is what its documentation
advises against that: ``acks_late``, ``task_reject_on_worker_lost``, and a visibility time-out which here is as short
as the tasks of the benchmark allow; any task that takes longer would run twice. A worker has as many processes as the
machine has processors, by default.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import redis
from celery import Celery, chain

from benchmarks import measures
from benchmarks.measures import STEPS

_COUNT = "bench-done"
_RESTORED = {  # a task that nobody has acknowledged for 5 s is given to another worker, at a look each second
    "visibility_timeout": 5,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
}
app = Celery("bench")


@app.task
def no_op(place: int) -> int:
    """Do nothing."""
    return place


@app.task
def count() -> None:
    """The last step."""
    _counter(app.conf.broker_url).incr(_COUNT)


@app.task
def hangs(file: str) -> None:
    """See measures.ran."""
    measures.ran(file)


@cache
def _counter(url: str) -> redis.Redis:
    return redis.Redis.from_url(url)


class Client:
    """Sends chains from several threads."""

    def __init__(self, counts: redis.Redis) -> None:
        self._counts = counts

    def submit(self) -> None:
        chain(*(no_op.si(place) for place in range(STEPS - 1)), count.si()).apply_async()

    def done(self) -> int:
        return int(self._counts.get(_COUNT) or 0)

    def hang(self, file: str) -> None:
        hangs.delay(file)


@contextmanager
def client(url: str, variant: str, *, embedded: bool) -> Iterator[Client]:
    """See benchmarks.systems."""
    _configure(url, variant)
    with redis.Redis.from_url(url) as counts:
        yield Client(counts)
    app.close()


def work(url: str, variant: str) -> None:
    """A worker with its processes."""
    _configure(url, variant)
    app.worker_main(["worker", "--loglevel=ERROR", f"--hostname=worker-{os.getpid()}"])


def _configure(url: str, variant: str) -> None:
    app.conf.update(broker_url=url, task_ignore_result=True, broker_connection_retry_on_startup=True)
    if variant == "reliable":
        app.conf.update(
            task_acks_late=True,
            task_reject_on_worker_lost=True,
            broker_transport_options=_RESTORED,
        )
