"""What goes wrong on order: each fault is for some calls of a method, everywhere or in one channel."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.support.poll import PATIENCE

LOST_ANSWER = "carried out, and the answer lost"
LOST_CALL = "not carried out, and no answer"
RESET = "not carried out, and the connection reset"


class Answer(NamedTuple):
    """Not carried out; answered with this."""

    status: int = 200
    body: dict[str, Any] | None = None
    headers: Mapping[str, str] = MappingProxyType({})


class Hold:
    """Stops the call before (or after) it is carried out, until ``release``."""

    def __init__(self, *, after: bool = False) -> None:
        self.after = after
        self._reached, self._released = threading.Event(), threading.Event()

    def wait(self, seconds: float = PATIENCE) -> None:
        """Until a call has come so far."""
        assert self._reached.wait(seconds), "no call came to be held"

    def release(self) -> None:
        self._released.set()

    def stop_here(self) -> None:
        """For the server."""
        self._reached.set()
        self._released.wait()


Fault = str | Answer | Hold


def rate_limited(seconds: int = 1) -> Answer:
    return Answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(seconds)})


def broken(status: int = 503) -> Answer:
    return Answer(status, {})


def refuse(code: str, **more: Any) -> Answer:
    """Answered with ``ok: false`` and this error, say ``is_archived``, ``message_not_found``, ``invalid_auth``."""
    return Answer(200, {"ok": False, "error": code, **more})


FAULTS: list[Fault] = [rate_limited(), broken(), LOST_CALL, RESET, LOST_ANSWER]  # what may happen to any call


class Call(NamedTuple):
    """One call of the Web API. ``error`` is "" where it was carried out and answered."""

    method: str
    arguments: dict[str, Any]
    at: float
    error: str


class Faults:
    """Faults and limits by method, and every call that came."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._faults: list[list[Any]] = []  # [method, channel, fault, how often]
        self._limits: dict[str, _Limit] = {}
        self._lock = threading.Lock()

    def add(self, method: str, *faults: Fault, times: float = 1, channel: str | None = None) -> None:
        """Each for ``times`` calls, one after the other; ``math.inf`` is until ``clear``. ``*`` is every method,
        and ``response_url`` what comes to those."""
        with self._lock:
            self._faults += [[method, channel, fault, times] for fault in faults]

    def clear(self) -> None:
        """Whole again; calls that are held go on."""
        with self._lock:
            gone, self._faults = self._faults, []
        for _, _, fault, _ in gone:
            if isinstance(fault, Hold):
                fault.release()

    def limit(self, method: str, per_minute: float, burst: int = 1, *, by_channel: bool = False) -> None:
        """From now on more calls than this get 429, as Slack does it; ``math.inf`` lifts the limit."""
        with self._lock:
            self._limits[method] = _Limit(per_minute / 60, burst, by_channel)

    def pick(self, method: str, arguments: dict[str, Any]) -> Fault | None:
        """What is to go wrong with this call."""
        channel = arguments.get("channel")
        with self._lock:
            for ordered in self._faults:
                if ordered[0] in (method, "*") and ordered[1] in (None, channel):
                    ordered[3] -= 1
                    if ordered[3] <= 0:
                        self._faults.remove(ordered)
                    return ordered[2]  # type: ignore[no-any-return]  # the list's elements are of several types
            limit = self._limits.get(method)
            wait = limit.take(channel if limit.by_channel else None) if limit else 0.0
        return rate_limited(math.ceil(wait)) if wait else None

    def count(self, method: str, channel: str | None = None) -> int:
        """How many calls of the method came."""
        return sum(call.method == method and channel in (None, call.arguments.get("channel")) for call in self.calls)


class _Limit:
    """A bucket for each channel, or one for all."""

    def __init__(self, per_second: float, burst: int, by_channel: bool) -> None:
        self.per_second, self.burst, self.by_channel = per_second, burst, by_channel
        self._buckets: dict[str | None, tuple[float, float]] = {}

    def take(self, key: str | None) -> float:
        """0, or the seconds until there is room again."""
        now = time.monotonic()
        room, counted_at = self._buckets.get(key, (float(self.burst), now))
        room = min(float(self.burst), room + (now - counted_at) * self.per_second)
        taken = room >= 1
        self._buckets[key] = (room - 1 if taken else room, now)
        return 0.0 if taken else (1 - room) / self.per_second
