"""The relay: takes what is to be told out of the outbox, and has it told in Slack (SPEC 7).

Nothing is lost and nothing is posted twice: a row is marked before its send, and a marked row whose answer is not known
is looked up in Slack before it is sent again. Rows of one request are told in order, those for its channel and those
for people each by themselves; a row that cannot be told waits, and never holds up another request. What is done
about each trouble:

    rate limited            waits for its turn (bot.pace)
    unreachable             waits 1, 2, 4 … 60 s, and the whole relay 1, 2, 4 … 30 s: one row at a time tries it out
    the token is refused    the same, every minute
    mendable by a person    waits for its turn after a minute (channel, membership, scope), without end
    it cannot be read       waits, a minute each time, without end: for a newer Retrigger, or for its row to be mended
    unknown                 waits 1, 2, 4 … 60 s, and is given up after a day
    never to be told        given up at once (no such request, no channel, nobody to tell)

What is given up is kept with its error, which doctor shows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Event as Flag
from threading import Lock, Thread

from bot.announcer import PILED_UP, Announcer, NoChannel
from bot.errors import BadMessage, Mendable, PersonNotThere, RateLimited, SlackError, TokenRefused, Unreachable
from engine.errors import CannotBeRead, NotFound, RetriggerError, StorageError
from engine.logs import bound, logger
from engine.ports.outbox import Outbox, OutboxRow, RowLost, whose
from engine.records import PRIVATE

BATCH = 5  # rows taken at once: few, so that little waits for its lease to end when the process is killed
LEASE = 20.0  # seconds for which no other relay takes them
POLL = 0.5  # seconds between looks when nobody wakes us
LONGEST_WAIT = 60.0
LONGEST_PAUSE = 30.0
TOLD_ALONG = 20  # rows at most that are told with the one before them
DEFECT_TRIES = 8  # after so many tries a row that we cannot handle is given up, so that those behind it are told
GIVEN_UP_AFTER = 86400.0  # seconds, of an error that nobody has seen before

_NEVER = (BadMessage, PersonNotThere, NotFound, NoChannel)

log = logger(__name__)


class Relay:
    """One thread. ``wake`` it when there is something new; it looks by itself, too. ``lease`` in seconds. Nothing is
    told unless ``is_open`` (bot.gate)."""

    def __init__(
        self,
        outbox: Outbox,
        announcer: Announcer,
        is_open: Callable[[], bool] = lambda: True,
        *,
        poll: float = POLL,
        lease: float = LEASE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._announcer = announcer
        self._is_open = is_open
        self._poll = poll
        self._lease = lease
        self._clock = clock
        self._wake = Flag()
        self._stopping = Flag()
        self._thread: Thread | None = None
        self._stale: set[int] = set()  # requests whose card somebody asked to refresh
        self._lock = Lock()
        self._trouble = ""
        self._failures = 0  # in a row, that concern every row
        self._paused_until = clock()

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
        if self._clock() < self._paused_until or not self._is_open():
            return 0
        self._refresh_stale()
        until = self._clock() + self._lease / 2  # later than this, another relay may have taken the rest
        rows = self._outbox.due(BATCH, self._lease)
        for row in rows:
            now = self._clock()
            if self._stopping.is_set() or now > until or now < self._paused_until:
                self._outbox.later(row, 0.0, self._trouble or "given back", counts=False)
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
                log.exception("relay.stumbled", says="The relay stumbled; it goes on.")
            if not handled:
                self._wake.wait(self._poll)

    def _handle(self, row: OutboxRow) -> None:
        # What piled up is told together: else it would take an hour of Slack's limits to tell an hour. So is what one
        # person is told: a step's outcome and the end of a quick flow behind it are no two messages.
        together = row.sent_at is None and (row.age > PILED_UP or row.kind in PRIVATE)
        rows = [row, *(self._outbox.behind(row, TOLD_ALONG) if together else ())]
        command = None if row.event is None else row.event.command_id
        with bound(outbox=row.id, kind=row.kind, request=whose(row.request_id), command=command):
            self._tell(row, rows)

    def _tell(self, row: OutboxRow, rows: Sequence[OutboxRow]) -> None:
        try:
            told = self._announcer.announce(rows)
        except _NEVER as error:
            self._give_up(row, str(error))
        except RowLost as error:
            log.info("outbox.lost", says=str(error))
        except SlackError as error:
            self._postpone(rows, error)
        except CannotBeRead as error:
            self._outbox.later(row, LONGEST_WAIT, str(error))
        except StorageError:
            raise  # nothing is known of the row but that it is taken, and nothing can be noted of it
        except Exception as error:
            log.exception("outbox.failed", says="It could not be told.")
            defect = f"a defect of Retrigger's own ({type(error).__name__}); its log says more"  # no data of a request
            if row.tries < DEFECT_TRIES:
                self._outbox.later(row, backoff(row.tries), defect)
            else:
                self._give_up(row, defect)
        else:
            self._outbox.done(told)
            self._failures = 0
            self._say("")

    def _postpone(self, rows: Sequence[OutboxRow], error: SlackError) -> None:
        row = rows[0]
        known = isinstance(error, (Unreachable, Mendable, RateLimited))
        if not known and row.age > GIVEN_UP_AFTER:
            self._give_up(row, str(error))
            return
        waits = isinstance(error, RateLimited)
        if not waits:
            self._say(str(error))
        if isinstance(error, (Unreachable, TokenRefused)):
            pause = error.wait if isinstance(error, TokenRefused) else min(LONGEST_PAUSE, backoff(self._failures))
            self._failures += 1
            self._paused_until = self._clock() + (pause or 0.0)
        wait = backoff(row.tries) if error.wait is None else error.wait
        unsent = [row.id for row in rows] if error.delivered is False else []
        self._outbox.later(row, wait, str(error), unsent=unsent, counts=not waits)

    def _give_up(self, row: OutboxRow, error: str) -> None:
        log.error("outbox.given_up", says=f"{whose(row.request_id)}: {row.kind} not told: {error}")
        self._outbox.drop(row.id, error)

    def _refresh_stale(self) -> None:
        with self._lock:
            stale, self._stale = self._stale, set()
        for request_id in stale:
            try:
                self._announcer.refresh(request_id)
            except RetriggerError as error:
                log.info("card.unrefreshed", says=str(error), request=f"REQ-{request_id}")

    def _say(self, trouble: str) -> None:
        """Each trouble once, and once that it is over."""
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble:
            log.warning("relay.waits", says=f"{trouble} What is to be told waits; nothing is lost.")
        else:
            log.info("relay.goes_on", says="Slack takes messages again.")


def backoff(tries: int) -> float:
    """Seconds until the next try of a row that failed ``tries`` times before."""
    return float(min(LONGEST_WAIT, 2.0 ** min(tries, 10)))
