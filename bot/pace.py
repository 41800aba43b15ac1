"""How fast the relay may speak: what Slack asked to wait for, and a budget for updates.

First posts are never slowed down before Slack asks for it (an alert must not wait); updates of a message are, since
only the newest counts. Calls that have to wait get one turn after the other, a third further apart than the limit
allows: so a long queue drains in order. What is fresh does not queue up behind it, but takes the room that this leaves.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from bot.errors import ChannelMissing, Mendable, NotInChannel, Paced, RateLimited, ScopeMissing, SlackError

PER_MINUTE = {"chat_postMessage": 60.0, "chat_postEphemeral": 100.0, "chat_update": 45.0}  # Slack: 60, 100, 50
OTHERS_PER_MINUTE = 45.0
UPDATES_BURST = 40
BURST = 3  # of a method that Slack has limited
WARY = 60.0  # seconds for which we keep to the limit by ourselves after Slack has said so
SPREAD = 4 / 3
FRESH = 10.0  # seconds of turns ahead that are kept for what is fresh; what is more than that queues up

_POST, _UPDATE = "chat_postMessage", "chat_update"


class Pace:
    """``budget`` False: no budget of our own, for servers that stand for Slack; what is asked for is kept.
    ``clock`` gives seconds that only rise. Used by one thread."""

    def __init__(self, budget: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wary = WARY if budget else 0.0
        self._lanes: dict[tuple[str, str], _Lane] = {}
        if budget:
            lane = self._lane((_UPDATE, ""))
            lane.wary_until, lane.burst, lane.room = math.inf, UPDATES_BURST, UPDATES_BURST

    def take(self, method: str, channel: str, *, fresh: bool = False) -> SlackError | None:
        """None: go. Else why not; its ``wait`` is the time until this call's turn. ``fresh``: nobody has waited for it
        yet, so it is not to wait behind a whole backlog."""
        now = self._clock()
        for key in (("", channel), (method, ""), (method, channel)):
            lane = self._lanes.get(key)
            if lane is not None and (wait := lane.take(now, fresh)):
                return lane.why(wait, now)
        return None

    def learn(self, method: str, channel: str, error: SlackError) -> None:
        """Slack refused a call: where each like it would be refused too, they wait, and one of them tries again. Posts
        are limited by channel, all else for the whole workspace."""
        if isinstance(error, RateLimited):
            key = (method, channel if method == _POST else "")
        elif isinstance(error, (ChannelMissing, NotInChannel)) and channel.startswith(("C", "G")):
            key = ("", channel)
        elif isinstance(error, ScopeMissing):
            key = (method, "")
        else:
            return
        self._lane(key).close(self._clock(), error, self._wary)

    def _lane(self, key: tuple[str, str]) -> _Lane:
        if key not in self._lanes:
            self._lanes[key] = _Lane(PER_MINUTE.get(key[0], OTHERS_PER_MINUTE) / 60, self._clock())
        return self._lanes[key]


class _Lane:
    """Calls that share a limit. It counts only while it is wary."""

    def __init__(self, per_second: float, now: float) -> None:
        self.wary_until = -math.inf
        self.burst: float = BURST
        self.room = 0.0
        self._per_second = per_second
        self._counted_at = now
        self._closed_until = -math.inf
        self._next_turn = self._next_fresh = -math.inf
        self._error: SlackError | None = None

    def close(self, now: float, error: SlackError, wary: float) -> None:
        """Nothing for ``error.wait`` seconds, then for ``wary`` seconds as many calls as the limit allows."""
        self._closed_until = self._counted_at = now + (error.wait or 1.0)
        self.wary_until = max(self.wary_until, self._closed_until + wary)
        self.room, self._error = 1.0, error

    def take(self, now: float, fresh: bool) -> float:
        """0: go; else the seconds until a turn that nobody else was given."""
        if now >= max(self.wary_until, self._closed_until):
            return 0.0
        if now >= self._closed_until:
            self.room = min(self.burst, self.room + (now - self._counted_at) * self._per_second)
            self._counted_at = now
            if self.room >= 1:
                self.room -= 1
                return 0.0
        free = max(self._closed_until, now + (1 - self.room) / self._per_second)
        if fresh and (turn := max(free, self._next_fresh + 1 / self._per_second)) <= now + FRESH:
            self._next_fresh = turn
            return turn - now
        self._next_turn = max(free, self._next_turn + SPREAD / self._per_second)
        return self._next_turn - now

    def why(self, wait: float, now: float) -> SlackError:
        """What closed it, or that it is our own pace."""
        if isinstance(self._error, Mendable) and now < self._closed_until:
            again = type(self._error)(self._error.code, str(self._error))
            again.wait = wait
            return again
        return Paced(wait)
