"""One processor for an engine, where the settings name one (docs/decisions/0043).

Python runs one thread of a process at a time. On several processors its threads take its lock from one another across
them, which costs more than what an engine does between: on one it does more.
"""

from __future__ import annotations

import os
import sys

from engine.errors import SettingsError


def usable_processors(processor: int) -> list[int]:
    """Those that this process may use, ``processor`` among them. Raises SettingsError where it may not use that."""
    if sys.platform != "linux":
        raise SettingsError("processor: only Linux keeps a process on one. Leave it out.")
    allowed = sorted(os.sched_getaffinity(0))
    if processor not in allowed:
        known = ", ".join(map(str, allowed))
        raise SettingsError(f"processor: this process may not use number {processor}. Write one of {known}.")
    return allowed


def stay_on(processor: int) -> list[int]:
    """Keep this thread, and those that it starts from now on, on that processor. Returns those that it might have used
    before. Raises SettingsError where it may not."""
    allowed = usable_processors(processor)
    os.sched_setaffinity(0, {processor})
    return allowed
