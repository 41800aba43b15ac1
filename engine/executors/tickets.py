"""What becomes of the jobs that come to this process: each opens a slot, until nothing is left for that to do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from threading import Lock

from engine.records import Claim

LINGER = 0.05  # seconds that a slot stays open without a step: where there is more to do it is not a job each time


class Ticket:
    """Of one job. ``over`` is done when nothing is left for its slot; whoever waits for that may stop waiting (cancel
    it) at any time, and the steps go on all the same."""

    __slots__ = ("open_until", "over")

    def __init__(self) -> None:
        self.over: Future[None] = Future()
        self.open_until: float | None = None  # since it has nothing to do

    def end(self) -> None:
        """Nothing is left for it."""
        with suppress(InvalidStateError):  # nobody waits any more
            self.over.set_result(None)


class Tickets:
    """A ticket waits for a claim, runs it, is settled when the outcome is committed, and then has one of the claims of
    that commit, or waits again, for a moment. A claim for which there is no ticket gets one that nobody waits for."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._waiting: deque[Ticket] = deque()
        self._running: dict[int, Ticket] = {}  # by the id of the claim
        self._settled: deque[Ticket] = deque()  # until the end of the commit
        self._closed = False

    def come(self) -> Ticket:
        """A job has come."""
        ticket = Ticket()
        with self._lock:
            if self._closed:
                ticket.end()
            else:
                self._waiting.append(ticket)
        return ticket

    def waiting(self) -> int:
        """How many wait for a claim."""
        return len(self._waiting)

    def settle(self, claim: Claim) -> None:
        """The outcome of the claim is committed, or will never be."""
        with self._lock:
            ticket = self._running.pop(id(claim), None)
            if ticket is not None and not self._closed:
                self._settled.append(ticket)
                return
        if ticket is not None:
            ticket.end()

    def drop(self, claim: Claim) -> None:
        """There is no outcome of this claim: its attempt was taken away."""
        with self._lock:
            ticket = self._running.pop(id(claim), None)
        if ticket is not None:
            ticket.end()

    def take(self, claims: Sequence[Claim], looked: int) -> bool:
        """A commit has made these claims, and has looked for the first ``looked`` that wait. These, and those that were
        settled in it, have a claim now, wait a little longer, or end. True when any waits a little longer."""
        with self._lock:
            free, self._settled = self._settled, deque()
            free.extend(self._waiting.popleft() for _ in range(min(looked, len(self._waiting))))
            for claim in claims:
                ticket = free.popleft() if free else Ticket()
                ticket.open_until = None
                self._running[id(claim)] = ticket
            ended = self._without_claim(free)
            lingering = bool(self._waiting)
        for ticket in ended:
            ticket.end()
        return lingering

    def _without_claim(self, free: Sequence[Ticket] | deque[Ticket]) -> list[Ticket]:
        """Those whose time is over; the others wait."""
        ended = []
        now = self._clock() if free else 0.0
        for ticket in free:
            if ticket.open_until is None:
                ticket.open_until = now + LINGER
            if ticket.open_until <= now:
                ended.append(ticket)
            else:
                self._waiting.append(ticket)
        return ended

    def close(self) -> None:
        """No claim is made any more: whoever has none ends, and those that run end with their step."""
        with self._lock:
            self._closed = True
            ended = [*self._waiting, *self._settled]
            self._waiting.clear()
            self._settled.clear()
        for ticket in ended:
            ticket.end()
