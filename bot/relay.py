"""The relay: takes what is to be told out of the outbox, and has it told in Slack (SPEC 7).

Nothing is lost and nothing is posted twice: a row is marked before its send, and a marked row whose answer is not known
is looked up in Slack before it is sent again. Rows of one request are told in order; a row that cannot be told waits,
and never holds up another request. What is done about each trouble:

    rate limited            waits as long as Slack says
    unreachable, unknown    waits 1, 2, 4 … 60 s
    mendable by a person    waits a minute at a time (channel, membership, token, scope), said in the log
    never to be told        given up with its error, which doctor shows (no such request, no channel, nobody to tell)
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Event as Flag
from threading import Lock, Thread

from bot.announcer import Announcer, NoChannel
from bot.errors import BadMessage, Paced, PersonNotThere, SlackError
from engine.errors import NotFound, RetriggerError
from engine.outbox import Outbox, OutboxRow

BATCH = 5  # rows taken at once: few, so that little waits for its lease to end when the process is killed
LEASE = 20.0  # seconds for which no other relay takes them
POLL = 0.5  # seconds between looks when nobody wakes us
LONGEST_WAIT = 60.0
DEFECT_TRIES = 8  # after so many tries a row that we cannot handle is given up, so that those behind it are told

_NEVER = (BadMessage, PersonNotThere, NotFound, NoChannel)

log = logging.getLogger(__name__)


class Relay:
    """One thread. ``wake`` it when there is something new; it looks by itself, too."""

    def __init__(
        self,
        outbox: Outbox,
        announcer: Announcer,
        *,
        poll: float = POLL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._announcer = announcer
        self._poll = poll
        self._clock = clock
        self._wake = Flag()
        self._stopping = Flag()
        self._thread: Thread | None = None
        self._unsent: set[int] = set()  # rows whose last send surely did not arrive
        self._stale: set[int] = set()  # requests whose card somebody asked to refresh
        self._lock = Lock()
        self._trouble = ""

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._stopping.clear()
        self._thread = Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 15.0) -> None:
        """End after the row under way. What is left stays in the outbox."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def wake(self) -> None:
        """There may be something to tell."""
        self._wake.set()

    def refresh(self, request_id: int) -> None:
        """Let the request's card show the present state soon, because somebody found it stale."""
        with self._lock:
            self._stale.add(request_id)
        self._wake.set()

    def run_once(self) -> int:
        """Handle what is due now; returns how many rows were."""
        self._refresh_stale()
        until = self._clock() + LEASE / 2  # later than this, another relay may have taken the rest
        rows = self._outbox.due(BATCH, LEASE)
        for row in rows:
            if self._stopping.is_set() or self._clock() > until:
                self._outbox.later(row.id, 0.0, "given back")
            else:
                self._handle(row)
        return len(rows)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()  # before looking, so that what comes while we look wakes us again
            handled = 0
            try:
                handled = self.run_once()
            except RetriggerError as error:
                self._say(str(error))
            except Exception:
                log.exception("The relay stumbled; it goes on.")
            if not handled:
                self._wake.wait(self._poll)

    def _handle(self, row: OutboxRow) -> None:
        try:
            self._announcer.announce(row, row.sent_before and row.id not in self._unsent)
        except _NEVER as error:
            log.error("REQ-%s: %s not told: %s", row.request_id, row.kind, error)
            self._outbox.drop(row.id, str(error))
        except SlackError as error:
            self._postpone(row, error)
            return
        except Exception as error:
            log.exception("REQ-%s: the %s could not be told.", row.request_id, row.kind)
            if row.tries < DEFECT_TRIES:
                self._outbox.later(row.id, backoff(row.tries), repr(error))
                return
            self._outbox.drop(row.id, repr(error))
        else:
            self._outbox.done(row.id)
            self._say("")
        self._unsent.discard(row.id)

    def _postpone(self, row: OutboxRow, error: SlackError) -> None:
        if error.delivered is False:
            self._unsent.add(row.id)
        else:
            self._unsent.discard(row.id)
        if not isinstance(error, Paced):
            self._say(str(error))
        self._outbox.later(row.id, error.wait or backoff(row.tries), str(error))

    def _refresh_stale(self) -> None:
        with self._lock:
            stale, self._stale = self._stale, set()
        for request_id in stale:
            try:
                self._announcer.refresh(request_id)
            except RetriggerError as error:
                log.info("The card of REQ-%s was not refreshed: %s", request_id, error)

    def _say(self, trouble: str) -> None:
        """Each trouble once, and once that it is over."""
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble:
            log.warning("%s What is to be told waits; nothing is lost.", trouble)
        else:
            log.info("Slack takes messages again.")


def backoff(tries: int) -> float:
    """Seconds until the next try of a row that failed ``tries`` times before."""
    return float(min(LONGEST_WAIT, 2.0 ** min(tries, 10)))
