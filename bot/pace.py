"""How fast the relay may speak: pauses that Slack asked for, and a budget for updates.

First posts are never slowed down (an alert must not wait); updates of a message may, since only the newest counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable

UPDATES = 45  # chat.update calls per minute; Slack allows 50
BURST = 40


class Pace:
    """``budget`` False: no budget of our own, for servers that stand for Slack; pauses that are asked for are kept.
    ``clock`` gives seconds that only rise. Used by one thread."""

    def __init__(self, budget: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._budget = budget
        self._clock = clock
        self._pauses: dict[tuple[str, str], float] = {}
        self._tokens = float(BURST)
        self._counted_at = clock()

    def pause(self, method: str, channel: str, seconds: float) -> None:
        """Slack asked not to call ``method`` for ``channel`` for so long."""
        self._pauses[(method, channel)] = self._clock() + seconds

    def wait(self, method: str, channel: str) -> float:
        """Seconds until the method may be called; 0 when now."""
        return max(0.0, self._pauses.get((method, channel), 0.0) - self._clock())

    def take_update(self) -> float:
        """Take one update out of the budget; else the seconds until there is one."""
        if not self._budget:
            return 0.0
        now = self._clock()
        self._tokens = min(float(BURST), self._tokens + (now - self._counted_at) * UPDATES / 60)
        self._counted_at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) * 60 / UPDATES
