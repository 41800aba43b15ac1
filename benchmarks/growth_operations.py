"""What the growth benchmark measures: operations of the doors, the worker and the relay, each timed by itself."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from benchmarks.filled import APPS, MADE, RARE, RARE_APP, SOMEONE, Open
from engine.events import REFUSED
from engine.ports.store import Claimer
from engine.records import Claim, Event
from engine.rules.decide.finish import Finished, finish
from engine.rules.outcomes import Failure
from engine.states import CallEffect, RequestStatus
from engine.stored import RequestFilter

RUNNING = 32  # steps that a worker has running all the time
TARGETS = 20  # blocked requests that are acted on, spread over the whole database
PAGE = 5  # requests: so many of each kind are there on the small database, too
WORKER = "bench"


class Site:
    """A filled database with a worker that claims when it is told to, and runs nothing."""

    def __init__(self, opened: Open, number: int) -> None:
        self.opened, self.number = opened, number
        self.store, self.engine, self.outbox = opened.store, opened.engine, opened.outbox
        self._random = random.Random(number)
        self._free, self._claims, self._came = RUNNING, list[Claim](), threading.Event()
        for place in range(RUNNING):
            self.engine.submit(SOMEONE, "hr_done", {"number": place})
        self.store.attach(Claimer(WORKER, 3600.0, lambda: self._free, lambda: RUNNING - self._free, self._take))
        while self._free:
            self._came.wait()
        rows = self.store.requests(RequestFilter(RequestStatus.BLOCKED, limit=number, oldest_first=True))
        self._targets = [rows[place * len(rows) // TARGETS].request.id for place in range(TARGETS)]
        self._turn = 0

    def close(self) -> None:
        """Close the database."""
        self.store.detach()
        self.opened.close()

    def any_id(self) -> int:
        """Any request of the copied ones."""
        return self._random.randrange(MADE + RARE, self.number)

    def next_target(self) -> int:
        """A blocked request."""
        self._turn += 1
        return self._targets[self._turn % TARGETS]

    def claim(self) -> Claim:
        """Let the worker take one step, which is due."""
        self._came.clear()
        self._free = 1
        self.store.nudge()
        self._came.wait()
        return self._claims[-1]

    def block_again(self, claim: Claim) -> None:
        """The claimed step fails as it did before."""
        failure = Failure("Connection refused.", CallEffect.NOT_SENT, must_block=True)
        self.store.change(claim.step.request_id, partial(finish, done=_finished(claim, failure)))

    def _take(self, claims: Sequence[Claim], looked: int) -> None:
        self._free -= len(claims)
        self._claims = list(claims)
        self._came.set()


def _finished(claim: Claim, failure: Failure) -> Finished:
    return Finished(claim.step.node, claim.attempt.number, failure)


def timed(call: Callable[[], Any]) -> float:
    """Seconds that it takes."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


Operation = Callable[[Site], float]


def listing(**filter: Any) -> Operation:
    """A page of requests."""
    return lambda site: timed(lambda: site.store.requests(RequestFilter(**filter, limit=PAGE)))


def deep(**filter: Any) -> Operation:
    """The page in the middle."""
    return lambda site: timed(lambda: site.store.requests(RequestFilter(**filter, limit=PAGE, after=site.number // 2)))


def show(site: Site) -> float:
    """The document of a request."""
    number = site.any_id()
    return timed(lambda: site.engine.document(SOMEONE, number))


def retrigger(site: Site) -> float:
    """The act of a person; its step is claimed and fails again afterwards."""
    number = site.next_target()
    seconds = timed(lambda: site.engine.retrigger(SOMEONE, number, "order", flow=True))
    site.block_again(site.claim())
    return seconds


def claim(site: Site) -> float:
    """From the nudge until the worker has the step."""
    number = site.next_target()
    site.engine.retrigger(SOMEONE, number, "order", flow=True)
    begin = time.perf_counter()
    claimed = site.claim()
    seconds = time.perf_counter() - begin
    site.block_again(claimed)
    return seconds


def submit(site: Site) -> float:
    """A new request."""
    begin = time.perf_counter()
    number, _ = site.engine.submit(SOMEONE, "hr_done", {"number": 1}, key=str(time.time_ns()))
    seconds = time.perf_counter() - begin
    site.engine.withdraw(SOMEONE, number, reason="Only measured.")
    return seconds


def relay(site: Site) -> float:
    """The relay takes what waits: the card and the lines of what the other operations did."""
    begin = time.perf_counter()
    rows = site.outbox.due(5, 60.0)
    seconds = time.perf_counter() - begin
    site.outbox.done([row.id for row in rows])
    return seconds


def audit(site: Site) -> float:
    """A refused try is recorded."""
    event = Event(site.any_id(), REFUSED, 0.0, by="Vera Viewer", actor="slack:T1/U3", door="slack")
    return timed(lambda: site.store.record(event))


BLOCKED = RequestStatus.BLOCKED
SEVERAL = frozenset({APPS[1], APPS[2]})
OPERATIONS: dict[str, Operation] = {
    "blocked, oldest first": listing(status=BLOCKED, oldest_first=True),
    "blocked, a page in the middle": deep(status=BLOCKED, oldest_first=True),
    "blocked of one application": listing(status=BLOCKED, apps=frozenset({APPS[0]}), oldest_first=True),
    "blocked of two applications": listing(status=BLOCKED, apps=SEVERAL, oldest_first=True),
    "the same, a page in the middle": deep(status=BLOCKED, apps=SEVERAL, oldest_first=True),
    "blocked of a rare application": listing(status=BLOCKED, apps=frozenset({RARE_APP})),
    "newest of all": listing(),
    "newest, a page in the middle": deep(),
    "newest of two applications": listing(apps=SEVERAL),
    "newest of a rare application": listing(apps=frozenset({RARE_APP})),
    "counts by status": lambda site: timed(site.store.counts),
    "counts of two applications": lambda site: timed(lambda: site.store.counts(SEVERAL)),
    "measures for a monitor": lambda site: timed(site.store.measures),
    "show": show,
    "status": lambda site: timed(partial(site.store.status, site.any_id())),
    "what a command did": lambda site: timed(lambda: site.store.command("no such command")),
    "re-trigger": retrigger,
    "claim": claim,
    "submit": submit,
    "audit event": audit,
    "renew leases": lambda site: timed(lambda: site.store.renew(WORKER, 3600.0)),
    "recovery sweep": lambda site: timed(lambda: site.store.expired()),
    "recovery sweep, one engine": lambda site: timed(lambda: site.store.orphaned(WORKER)),
    "sweep for waits that are over": lambda site: timed(site.store.waking),
    "sweep for stuck requests": lambda site: timed(site.store.stuck),
    "running steps": lambda site: timed(lambda: site.store.running(WORKER)),
    "next due time": lambda site: timed(site.store.next_due),
    "outbox, something waits": relay,
    "outbox, how much waits": lambda site: timed(site.outbox.waiting),
    "engines alive": lambda site: timed(site.store.workers_alive),
}
