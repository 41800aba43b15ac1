"""How SIGINT and SIGTERM end a process, at whatever moment they come."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import time
import traceback

from engine.logs import logger

BEYOND = 8.0  # seconds that a clean stop may take beyond the grace of its steps, in which leases are given back
SAME_SIGNAL = 1.0  # seconds; `timeout` and some supervisors signal the process and its group, which asks only once
UNTOLD = 2.0  # seconds that the log has to take what is said of an end that is overdue
_LOOK = 0.1  # seconds
_HEEDED = (signal.SIGINT, signal.SIGTERM)
_WHAT_RAN = "What ran here is recovered when its lease runs out."

log = logger(__name__)


class Stopping:
    """The first signal asks for a clean stop, a later one ends at once: what runs is recovered at the next start.

    Made in the main thread, and heard in one of its own: a signal that comes just before the main thread waits without
    an end (for a database, say) does not end that wait, so that a handler in Python would not run, either.
    """

    def __init__(self) -> None:
        self._asked: int = signal.SIGTERM
        self._insisting_from: float | None = None
        self._signals, told = os.pipe()
        os.set_blocking(told, False)
        signal.set_wakeup_fd(told, warn_on_full_buffer=False)
        for number in _HEEDED:
            signal.signal(number, lambda *_: None)  # what there is to do is done by the thread
        threading.Thread(target=self._listen, name="signals", daemon=True).start()

    def wait(self) -> None:
        """Until a signal has asked to stop."""
        while self._insisting_from is None:
            time.sleep(_LOOK)

    def allow(self, seconds: float) -> None:
        """Give the clean stop so long, from when it is asked for; then the process ends as by a second signal. A
        database that does not answer would keep it for ever, a start that waits for it, too."""
        threading.Thread(target=self._end_after, args=(seconds,), name="stop", daemon=True).start()

    def _end_after(self, seconds: float) -> None:
        self.wait()
        time.sleep(seconds)
        # What keeps us may keep the log, too: then the process ends all the same, and says where as it can.
        faulthandler.dump_traceback_later(UNTOLD, exit=True, file=2)
        try:
            says = f"Not stopped after {seconds:.0f} s, so the process ends now. {_WHAT_RAN}"
            log.error("stop.overdue", says=says, threads=_places())
        finally:
            os._exit(128 + self._asked)

    def _listen(self) -> None:
        while True:
            for number in os.read(self._signals, 1):
                if number in _HEEDED:
                    self._heed(number)

    def _heed(self, number: int) -> None:
        if self._insisting_from is None:
            self._asked, self._insisting_from = number, time.monotonic() + SAME_SIGNAL
        elif time.monotonic() >= self._insisting_from:
            os._exit(128 + number)


def _places() -> dict[str, list[str]]:
    """Where each thread is: its calls, the latest last."""
    frames = sys._current_frames()
    found: dict[str, list[str]] = {}
    for thread in threading.enumerate():
        if thread.ident in frames:
            calls = traceback.extract_stack(frames[thread.ident])
            name = thread.name if thread.name not in found else f"{thread.name} {thread.ident}"
            found[name] = [f"{call.filename}:{call.lineno} in {call.name}" for call in calls]
    return found
