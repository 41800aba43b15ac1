"""Dramatiq on Redis: pipelines of five no-op messages; the last one counts.

It acknowledges after the work, by default, but notices a dead worker only after a minute, and after a look that it
takes once in a thousand commands. ``reliable`` shortens that to two seconds and to one command in ten. A worker has
as many processes as the machine has processors, with eight threads each, by default.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks import measures
from benchmarks.measures import STEPS

_COUNT = "bench-done"
_URL, _VARIANT = "BENCH_DRAMATIQ_URL", "BENCH_DRAMATIQ_VARIANT"
_RELIABLE = {"heartbeat_timeout": 2000, "maintenance_chance": 100_000}  # ms; of a million commands


class Actors:
    """What its workers may run."""

    def __init__(self, broker: RedisBroker) -> None:
        def no_op(place: int) -> int:
            return place

        def count() -> None:
            broker.client.incr(_COUNT)

        self.no_op = dramatiq.actor(no_op, broker=broker)
        self.count = dramatiq.actor(count, broker=broker)
        self.hangs = dramatiq.actor(measures.ran, actor_name="hangs", broker=broker, time_limit=600_000)


class Client:
    """Sends pipelines from several threads."""

    def __init__(self, broker: RedisBroker) -> None:
        self._actors, self._counts = Actors(broker), broker.client

    def submit(self) -> None:
        no_op, count = self._actors.no_op, self._actors.count
        steps = [no_op.message_with_options(args=(place,), pipe_ignore=True) for place in range(STEPS - 1)]
        dramatiq.pipeline([*steps, count.message_with_options(pipe_ignore=True)]).run()

    def done(self) -> int:
        return int(self._counts.get(_COUNT) or 0)

    def hang(self, file: str) -> None:
        self._actors.hangs.send(file)


def _broker(url: str, variant: str) -> RedisBroker:
    broker = RedisBroker(url=url, **(_RELIABLE if variant == "reliable" else {}))
    dramatiq.set_broker(broker)
    return broker


def from_environment() -> None:
    """What each process of a worker begins with."""
    Actors(_broker(os.environ[_URL], os.environ[_VARIANT]))


@contextmanager
def client(url: str, variant: str, *, embedded: bool) -> Iterator[Client]:
    """See benchmarks.systems."""
    broker = _broker(url, variant)
    yield Client(broker)
    broker.close()


def work(url: str, variant: str) -> None:
    """A worker with its processes and threads."""
    os.environ |= {_URL: url, _VARIANT: variant}
    command = [sys.executable, "-m", "dramatiq", "benchmarks.peer_dramatiq:from_environment"]
    os.execv(sys.executable, command)
