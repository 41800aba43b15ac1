"""What everything that comes in from Slack passes first: it is acknowledged, and dropped when it came before.

Every listener acknowledges first, except those of submitted windows, which answer in the acknowledgement (SPEC 7).
That is done here, before any listener runs, so that no database, no call of Slack and no queue of slow clicks is before
it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, BoltResponse

from bot.arrived import arrived
from bot.once import Once
from bot.threads import Threads
from engine.logs import bind, logger

PATIENCE = 3.0  # seconds; Slack waits no longer
_LOOK = 0.01  # seconds

log = logger(__name__)


class Arrival:
    """A Bolt middleware. One for all connections of a process; other processes need not know what came here, since
    an act is one act by its command's id, whoever brings it, and the rest does no harm twice."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._seen: Once[Ack] = Once()

    def arrive(self, ack: Ack, body: dict[str, Any], next: Callable[[], BoltResponse]) -> BoltResponse:
        """Acknowledge, and go on unless it came before; then it is answered as it was the first time. Slack's header
        that says "again" is not heeded: what came first may never have arrived."""
        submitted = body.get("type") == "view_submission"  # its listener acknowledges, with what it answers
        self._threads.arriving(submitted=submitted)
        if not submitted:
            ack()
        key = body.get("event_id") or body.get("trigger_id")  # what a payload keeps when it is delivered again
        first, is_new = self._seen.get(key, lambda: ack) if key else (ack, True)
        came = arrived(body)
        bind(click=came.click, request=came.request)  # Bolt hands on to the listener's thread after this has returned
        if is_new:
            log.info("slack.came", kind=came.kind, action=came.action, team=came.team, user=came.user)
            return next()
        log.info("slack.repeated", says="It came again, and is not heeded.")
        return _answer(first)


def _answer(ack: Ack) -> BoltResponse:
    """What was answered the first time, once that is known. Else nothing that acknowledges."""
    end = time.monotonic() + PATIENCE
    while ack.response is None and time.monotonic() < end:
        time.sleep(_LOOK)
    return ack.response or BoltResponse(status=503)
