"""`retrigger` on a machine whose clock is wrong: ``python -m tests.support.hosts.wrong_clock SECONDS COMMAND ...``.

The time of the day is wrong, and durations are right, as on such a machine. No other process notices.
"""

from __future__ import annotations

import runpy
import sys
from datetime import timedelta

import time_machine

if __name__ == "__main__":
    time_machine.travel(timedelta(seconds=float(sys.argv.pop(1)))).start()
    runpy.run_module("retrigger", run_name="__main__", alter_sys=True)
