"""A worker worked by hand: it claims when it is told to, and each call waits until somebody decides what came of it.

So every order of claims, calls, deaths and acts can be had, the same each time. The engine's own runner executes the
steps; only the threads and timers of engine.worker.worker are left out.
"""

from __future__ import annotations

import json
import queue
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update

from engine.functions import function
from engine.nodes.connections import Connection, ConnectionSettings
from engine.ports.store import Claimer
from engine.records import Claim
from engine.rules.decide.finish import Finished, finish
from engine.rules.decide.lost import give_back, recover
from engine.rules.decide.waits import time_is_up
from engine.worker.runner import Runner
from storage.database import now, open_database
from storage.tables import DUE, DUE_ALONE, attempts, events, outbox, requests, steps
from tests.support.engine import Room
from tests.support.poll import PATIENCE
from tests.support.tcp import answer, read_request, reset, tcp_server

_NEVER = 1e11  # when no test runs any more
_waiting = steps.c.status == "waiting"
_ANSWERS = {
    "ok": ("200 OK", {"n": 1}),
    "ok 2": ("200 OK", {"n": 2}),
    "misfit": ("200 OK", {}),
    "400": ("400 Bad Request", {"error": "no"}),
    "429": ("429 Too Many Requests", {}),
    "503": ("503 Service Unavailable", {}),
}


@dataclass(eq=False)
class Call:
    """A call that has come in and waits. ``key``: its idempotency key. ``earlier``: for whoever keeps a ledger."""

    node: str
    key: str
    body: Any
    reply: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)
    earlier: Call | None = None


class Outside:
    """One outside system, and the function that workflows call: both tell of each call, and wait."""

    def __init__(self, url: str, nobody: str) -> None:
        self.url, self.nobody = url, nobody
        self.signals: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def arrive(self, call: Call) -> str:
        """Tell of a call; what becomes of it."""
        self.signals.put(call)
        return call.reply.get(timeout=PATIENCE)


_outside: list[Outside] = []  # the one that is there, for the function


@contextmanager
def outside_by_hand() -> Iterator[Outside]:
    """An outside system at one address, and nobody at another."""

    def talk(connection: socket.socket) -> None:
        while request := read_request(connection):
            head, _, body = request.partition(b"\r\n\r\n")
            path = head.split(b" ")[1].decode()
            headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            call = Call(path.strip("/"), headers[b"idempotency-key"].decode(), json.loads(body))
            how = _outside[-1].arrive(call)
            if how not in _ANSWERS:
                reset(connection)
                return
            status, value = _ANSWERS[how]
            answer(connection, json.dumps(value).encode(), status, "Content-Type: application/json")

    with tcp_server(talk) as url, socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and never listens
        _outside.append(Outside(url, f"http://127.0.0.1:{deaf.getsockname()[1]}"))
        yield _outside[-1]
        _outside.pop()


@function("paper.work")
def work(node: str, seen: Any, body: str, idempotency_key: str) -> dict[str, int]:
    """The function that workflows call."""
    how = _outside[-1].arrive(Call(node, idempotency_key, {"seen": seen, "body": body}))
    if not how.startswith("ok"):
        raise RuntimeError(how)
    return {"n": 2 if how == "ok 2" else 1}


@dataclass(eq=False)
class Held:
    """A step in the worker's hands. ``call``: its call has left and waits for its answer. ``inner``: the place and the
    attempt of the step inside a block whose call that is; the test keeps it."""

    claim: Claim
    call: Call | None = None
    inner: tuple[int, int] | None = None

    @property
    def node(self) -> str:
        return self.claim.step.node

    @property
    def number(self) -> int:
        return self.claim.attempt.number


class Hands:
    """``busy``: how many steps the worker still counts as running, which the test keeps."""

    def __init__(self, room: Room, outside: Outside) -> None:
        self.room, self.outside = room, outside
        self._clock = open_database(room.database.url.render_as_string(hide_password=False))
        self._here = Connection("outside", ConnectionSettings(base_url=outside.url))
        self._nowhere = Connection("outside", ConnectionSettings(base_url=outside.nobody))
        self._runner = Runner(room.tools())
        self._budget = 0
        self._taken: list[Claim] = []
        self.busy = 0
        room.store.attach(Claimer("hands", 5.0, lambda: self._budget, lambda: self.busy, self._take))

    def _take(self, claims: Sequence[Claim], looked: int) -> None:
        self._taken += claims
        self._budget -= len(claims)
        self.busy += len(claims)

    def claim(self, most: int) -> list[Held]:
        """Take up to ``most`` due steps."""
        self._taken = []
        self._put_in_order()
        self._budget = most
        self.room.store.nudge()
        self._commit()
        self._budget = 0
        self._commit()
        return [Held(claim) for claim in self._taken]

    def _put_in_order(self) -> None:
        """Of steps that are due at one moment PostgreSQL gives any first. Here each has a time of its own, so that a
        sequence that is begun a second time has the same steps to work on."""
        due = select(steps.c.due_at, steps.c.request_id, steps.c.node).where(DUE | DUE_ALONE)
        with self._clock.writing() as connection:
            found = connection.execute(due.where(steps.c.due_at <= now(connection))).all()
            for place, (_, *key) in enumerate(sorted(map(tuple, found))):
                mine = (steps.c.request_id == key[0], steps.c.node == key[1])
                connection.execute(update(steps).where(*mine).values(due_at=place / 1000))

    def _commit(self) -> None:
        self.room.store.writer.write(lambda connection, now: None)

    def start(self, held: Held, reachable: bool = True) -> Finished | None:
        """Execute the step until its call has left (``held.call``), or to its end: its outcome, not yet handed in;
        None: the worker has lost it."""
        self.room.connections["outside"] = self._here if reachable else self._nowhere
        threading.Thread(target=self._execute, args=(held,), daemon=True).start()
        return self._follow(held)

    def answer(self, held: Held, how: str) -> Finished | None:
        """The outside answers the call: as above. A block may make its next call, which reaches it."""
        assert held.call is not None
        self.room.connections["outside"] = self._here
        call, held.call = held.call, None
        call.reply.put(how)
        return self._follow(held)

    def _execute(self, held: Held) -> None:
        self.outside.signals.put([self._runner.execute(held.claim)])

    def _follow(self, held: Held) -> Finished | None:
        signal = self.outside.signals.get(timeout=PATIENCE)
        if isinstance(signal, Call):
            held.call = signal
            return None
        done: Finished | None = signal[0]
        return done

    def hand_in(self, held: Held, done: Finished) -> bool:
        """Have the outcome written. False: it was late."""
        return self._change(held, partial(finish, done=done))

    def lose(self, held: Held, jitter: float = 0.0) -> bool:
        """The worker is gone, as another one finds out. False: this attempt was not the running one any more."""
        return self._change(held, partial(recover, node=held.node, attempt=held.number, jitter=jitter))

    def give_back(self, held: Held) -> bool:
        """A clean stop. False: as above."""
        return self._change(held, partial(give_back, node=held.node, attempt=held.number))

    def _change(self, held: Held, decide: Any) -> bool:
        return bool(self.room.store.change(held.claim.step.request_id, decide))

    def stop_the_clock(self) -> None:
        """What waits for its time, and is not due, stays waiting, however slow the test is."""
        self._move(_waiting & (steps.c.due_at > 0), _NEVER)

    def time_passes(self) -> list[tuple[int, str, int]]:
        """What waits for its next try is due, and waits are over: those, as a worker finds them."""
        self._move(_waiting & steps.c.due_at.is_not(None), 0.0)
        with self._clock.writing() as connection:
            connection.execute(update(steps).where(steps.c.wakes_at.is_not(None)).values(wakes_at=0.0))
        return self.room.store.waking().steps

    def wake(self, request_id: int, node: str, attempt: int) -> None:
        """The time of a wait is over."""
        self.room.store.change(request_id, partial(time_is_up, node=node, attempt=attempt))

    def _move(self, which: ColumnElement[bool], due_at: float) -> None:
        with self._clock.writing() as connection:
            connection.execute(update(steps).where(which).values(due_at=due_at))

    def wipe(self) -> None:
        """Leave no request of an earlier test to claim from."""
        with self._clock.writing() as connection:
            for table in (requests, steps, attempts, events, outbox):
                connection.execute(delete(table))

    def close(self, waiting: Sequence[Held]) -> None:
        """Let go of every call that still waits."""
        self.room.store.detach()
        for held in waiting:
            while held.call is not None:
                self.answer(held, "ok")
        self._clock.close()
