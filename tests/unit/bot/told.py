"""What happens to a request in the relay's tests, and trouble that comes once."""

from __future__ import annotations

import itertools
from typing import Any

from bot.errors import SlackError
from engine import events
from tests.unit.bot import samples

BLOCKED = samples.event(events.BLOCKED, attempt=2, data={"error": "503", "first": True})
AGAIN = samples.event(events.BLOCKED, attempt=3, data={"error": "503", "before": "503"})
DONE = samples.event(events.COMPLETED, attempt=4, data={"call": "accepted"})
ACT = samples.event(events.RETRIGGERED_FLOW, by="Hanna Lead", reason="mended")


def once(error: SlackError, method: str = "post", channel: str = "C1") -> Any:
    """Trouble at the first such call only."""
    first = itertools.chain([error], itertools.repeat(None))
    return lambda asked, where: next(first) if (asked, where) == (method, channel) else None
