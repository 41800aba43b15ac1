"""A small workflow, a worker that only collects, and rules to change requests with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import pairwise
from typing import Any

from sqlalchemy import update

from engine.graph import SUCCESS, Edge, Graph, GraphNode
from engine.ports.store import Claimer
from engine.records import Claim, Event, NewRequest, Notice
from engine.rules.decide.finish import Finished, finish
from engine.rules.draft import Draft
from engine.rules.outcomes import Failure, Success
from engine.states import RequestStatus
from storage.store import SqlStore
from storage.tables import TO_TELL, outbox
from tests.support.poll import PATIENCE


def line(*names: str) -> Graph:
    """Function nodes, one after another, then the end."""
    nodes = {name: GraphNode(name, "function") for name in names}
    nodes["end"] = GraphNode("end", "end", RequestStatus.COMPLETED)
    path = [*names, "end"]
    edges = tuple(Edge(a, SUCCESS, b) for a, b in pairwise(path))
    return Graph(nodes, edges, names[0])


GRAPH = line("first", "second")


def submit(store: SqlStore, key: str | None = None, workflow: str = "w", app: str = "HR") -> int:
    new = NewRequest(workflow, 1, app, "A title", "rae@example.com", '{"name":"Rae"}', key)
    request_id, _ = store.create(new, GRAPH, Event(None, "submitted", 0.0, by="Rae"))
    return request_id


class Worker:
    """Takes claims as an engine would, runs nothing by itself."""

    def __init__(self, name: str = "w1", slots: int = 10) -> None:
        self.name, self.slots = name, slots
        self.claims: list[Claim] = []
        self.busy = 0
        self._came = threading.Condition()

    @property
    def claimer(self) -> Claimer:
        return Claimer(self.name, 5.0, lambda: self.slots - self.busy, lambda: self.busy, self._take)

    def _take(self, claims: Sequence[Claim], looked: int) -> None:
        with self._came:
            self.busy += len(claims)
            self.claims += claims
            self._came.notify_all()

    def wait(self, number: int = 1, timeout: float = PATIENCE) -> list[Claim]:
        """The claims so far, once there are ``number`` of them."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.claims) >= number, timeout), self.claims
            return list(self.claims)

    def succeed(self, store: SqlStore, claim: Claim, result: str = "null") -> bool:
        with self._came:
            self.busy -= 1
        return store.change(claim.step.request_id, succeeding(claim, result))

    def fail(self, store: SqlStore, claim: Claim, error: str = "It broke.") -> bool:
        with self._came:
            self.busy -= 1
        done = Finished(claim.step.node, claim.attempt.number, Failure(error))
        return store.change(claim.step.request_id, lambda draft: finish(draft, done))


def succeeding(claim: Claim, result: str = "null") -> Callable[[Draft], bool]:
    done = Finished(claim.step.node, claim.attempt.number, Success(result))
    return lambda draft: finish(draft, done)


def note(text: str, command_id: str | None = None) -> Callable[[Draft], str]:
    """A rule that changes only the audit."""

    def decide(draft: Draft) -> str:
        draft.event("noted", reason=text, command_id=command_id)
        return text

    return decide


def bump(draft: Draft) -> int:
    """A rule that counts in the step, and would lose a count if two writers read the same row."""
    return draft.change_step("second", retries=draft.steps["second"].retries + 1).retries


def in_one_batch(store: SqlStore, *begins: Any) -> list[Future[Any]]:
    """Start operations while the writer is held up, so that they make one transaction."""
    reached, go = threading.Event(), threading.Event()

    def hold(connection: Any, now: float) -> None:
        reached.set()
        go.wait(PATIENCE)

    holding = threading.Thread(target=store.writer.write, args=(hold,))
    holding.start()
    reached.wait(PATIENCE)
    futures = [begin() for begin in begins]
    go.set()
    holding.join()
    return futures


def tell(store: SqlStore, request_id: int, *kinds: str) -> None:
    """Write notices, as a change of the request's state would."""

    def decide(draft: Draft) -> None:
        for kind in kinds:
            event = draft.event("noted", reason=kind) if kind != "card" else None
            draft.notices.append(Notice(request_id, kind, event, "slack:T1/U1"))

    store.change(request_id, decide)


def pass_time(store: SqlStore) -> None:
    """What waits for its time is due, and what a relay had taken is free again."""
    past = update(outbox).where(TO_TELL).values(due_at=0.0, taken_until=None)
    store.writer.write(lambda connection, now: connection.execute(past))
