"""How SIGINT and SIGTERM end a process, at whatever moment they come."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

SAME_SIGNAL = 1.0  # seconds; `timeout` and some supervisors signal the process and its group, which asks only once
_LOOK = 0.1  # seconds


class Stopping:
    """The first signal asks for a clean stop, a later one ends at once: what runs is recovered at the next start.

    Made in the main thread. No threading.Event: its lock is not for signal handlers, and a signal that comes just
    before a wait without an end does not end that wait.
    """

    def __init__(self) -> None:
        self._insisting_from: float | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._heed)

    def wait(self) -> None:
        """Until a signal has asked to stop."""
        while self._insisting_from is None:
            time.sleep(_LOOK)  # a signal ends it early only when it comes within it

    def _heed(self, number: int, _: FrameType | None) -> None:
        if self._insisting_from is None:
            self._insisting_from = time.monotonic() + SAME_SIGNAL
        elif time.monotonic() >= self._insisting_from:
            os._exit(128 + number)
