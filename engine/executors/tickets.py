"""What becomes of the jobs that bring steps to this process: each is a slot for a step, and for what follows it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from threading import Lock

from engine.records import Claim


class Ticket:
    """Of one job. ``over`` is done when nothing of its request is left for it; whoever waits for that may stop waiting
    (cancel it) at any time, and its step goes on all the same."""

    __slots__ = ("over",)

    def __init__(self) -> None:
        self.over: Future[None] = Future()

    def end(self) -> None:
        """Nothing is left for it."""
        with suppress(InvalidStateError):  # nobody waits any more
            self.over.set_result(None)


class Tickets:
    """A ticket waits for a claim, runs it, is settled when the outcome is committed, and then goes on with what that
    commit has claimed for its request, or ends. Claims without a ticket get one that nobody waits for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[int, list[Ticket]] = {}  # by request, in the order in which they came
        self._running: dict[int, Ticket] = {}  # by the id of the claim
        self._settled: list[tuple[int, Ticket]] = []  # with their requests, until the end of the commit
        self._closed = False

    def come(self, request_id: int) -> Ticket:
        """A job has come that names this request."""
        ticket = Ticket()
        with self._lock:
            if self._closed:
                ticket.end()
            else:
                self._waiting.setdefault(request_id, []).append(ticket)
        return ticket

    def asked(self) -> Sequence[int]:
        """The requests of the tickets that wait, those that came first at the head."""
        with self._lock:
            return [request_id for request_id, tickets in self._waiting.items() for _ in tickets]

    def settle(self, claim: Claim) -> None:
        """The outcome of the claim is committed, or will never be."""
        with self._lock:
            ticket = self._running.pop(id(claim), None)
            if ticket is not None and not self._closed:
                self._settled.append((claim.step.request_id, ticket))
                return
        if ticket is not None:
            ticket.end()

    def drop(self, claim: Claim) -> None:
        """There is no outcome of this claim: its attempt was taken away."""
        with self._lock:
            ticket = self._running.pop(id(claim), None)
        if ticket is not None:
            ticket.end()

    def take(self, claims: Sequence[Claim], looked: Sequence[int]) -> None:
        """A commit has made these claims, and has looked at what is due of ``looked``: the tickets that were settled in
        it, and those that waited for these requests, have a claim now or end."""
        with self._lock:
            free = self._released(looked)
            for claim in claims:
                tickets = free.get(claim.step.request_id)
                self._running[id(claim)] = tickets.pop(0) if tickets else Ticket()
        for tickets in free.values():
            for ticket in tickets:
                ticket.end()

    def _released(self, looked: Sequence[int]) -> dict[int, list[Ticket]]:
        free: dict[int, list[Ticket]] = {}
        for request_id, ticket in self._settled:
            free.setdefault(request_id, []).append(ticket)
        self._settled = []
        for request_id in looked:
            waiting = self._waiting.get(request_id)
            if waiting:
                free.setdefault(request_id, []).append(waiting.pop(0))
            if waiting == []:
                del self._waiting[request_id]
        return free

    def close(self) -> None:
        """No claim is made any more: whoever has none ends, and those that run end with their step."""
        with self._lock:
            self._closed = True
            ended = [ticket for tickets in self._waiting.values() for ticket in tickets]
            ended += [ticket for _, ticket in self._settled]
            self._waiting, self._settled = {}, []
        for ticket in ended:
            ticket.end()
