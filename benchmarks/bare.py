"""The bound: the writes of the same steps, and nothing else, from one thread on one connection.

Run in a process of its own: ``python -m benchmarks.bare URL SECONDS``. Each transaction ends BATCH steps and begins
the next ones, by the engine's own statements, with rows that were made beforehand. There are no rules, no executions,
no callers, no other threads. Prints the requests, the seconds, and the seconds of CPU.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from benchmarks.measures import STEPS, Run, cpu
from benchmarks.retrigger import SOMEONE
from benchmarks.retrigger_worker import definition
from engine.definition import load
from engine.graph import Graph
from engine.records import Event, NewRequest, Request, Step
from engine.rules.decide.claim import claim
from engine.rules.decide.finish import Finished, finish
from engine.rules.decide.submit import begin
from engine.rules.draft import Draft
from engine.rules.outcomes import Success
from storage import rows
from storage.database import Database, open_database
from storage.guards import StepUpdates, guarded
from storage.migrations import upgrade
from storage.statements import Statements

BATCH = 32  # steps in a transaction
FIRST = 256  # requests
NEW = NewRequest("no_op", 1, "Bench", "no_op", "bench@example.com", "{}")
Row = tuple[Any, ...]


class Writes:
    """The rows of one transaction."""

    def __init__(self) -> None:
        self.new: list[Row] = []
        self.requests: list[Row] = []
        self.steps = StepUpdates()
        self.attempts: list[Row] = []
        self.ends: list[Row] = []
        self.events: list[Row] = []

    def run(self, connection: Connection, statements: Statements, graph: Graph, now: float) -> None:
        """Write and commit them."""
        connection.begin()
        if self.new:
            statements.insert_requests.run(connection, self.new)
            statements.begin_steps(connection, [row[0] for row in self.new], graph, now)
        with guarded(connection) as guards:
            statements.update_requests.run(connection, self.requests)
            self.steps.run(connection, statements, guards)
            statements.insert_attempts.run(connection, self.attempts)
            statements.end_attempts.run(connection, self.ends)
            statements.insert_events.run(connection, self.events)
        connection.commit()


def transactions(graph: Graph, start: int, requests: int, batch: int, now: float) -> Iterator[Writes]:
    """Those of so many requests, numbered from ``start``, ``batch`` of them side by side."""
    end = start + requests
    for first in range(start, end, batch):
        begun = [begin(number, NEW, graph, now) for number in range(first, min(first + batch, end))]
        held = [(request, {step.node: step for step in steps}) for request, steps in begun]
        yield _first(held, now)
        for place in range(STEPS):
            yield _next(held, place, graph, now)


def _first(held: list[tuple[Request, dict[str, Step]]], now: float) -> Writes:
    writes = Writes()
    for request, steps in held:
        writes.new.append((*rows.request_row(request), NEW.title, NEW.input, None, False))
        writes.events.append(rows.event_row(Event(request.id, "submitted", now, by=SOMEONE.name, data={"version": 1})))
        _claim(writes, steps, steps["step_0"], "step_0", now)
    return writes


def _next(held: list[tuple[Request, dict[str, Step]]], place: int, graph: Graph, now: float) -> Writes:
    writes = Writes()
    for number, (request, steps) in enumerate(held):
        draft = Draft(request, steps, graph, now, False)
        finish(draft, Finished(f"step_{place}", 1, Success(str(place))))
        if draft.request is not request:
            writes.requests.append((*rows.request_row(draft.request)[1:], request.id, request.version))
        for node in draft.changed:
            if node == f"step_{place + 1}":
                _claim(writes, draft.steps, steps[node], node, now)
            else:
                writes.steps.add(steps[node], draft.steps[node], *filter(None, [draft.results.get(node)]))
        writes.ends += map(rows.end_row, draft.ends)
        writes.events += map(rows.event_row, draft.events)
        held[number] = (draft.request, draft.steps)
    return writes


def _claim(writes: Writes, steps: dict[str, Step], stored: Step, node: str, now: float) -> None:
    steps[node], attempt = claim(steps[node], 1, "bench", now, 5.0)
    writes.steps.add(stored, steps[node])
    writes.attempts.append(rows.attempt_row(attempt))


def main(url: str, seconds: float) -> Run:
    """As many requests as were ready to be written, at the speed of a first run, in ``seconds``."""
    database = open_database(url)
    upgrade(database)
    graph, now = load(definition("thread"), "no_op.yaml").graph, time.time()
    first = _write(database, graph, 1, FIRST, now)
    return _write(database, graph, 1 + FIRST, int(FIRST / first.seconds * seconds), now)


def _write(database: Database, graph: Graph, begin: int, requests: int, now: float) -> Run:
    writes = list(transactions(graph, begin, requests, BATCH, now))
    with database.connect_writer() as connection:
        start, before = time.perf_counter(), cpu()
        for transaction in writes:
            transaction.run(connection, database.statements, graph, now)
        return Run(requests, time.perf_counter() - start, cpu() - before)


if __name__ == "__main__":
    print(*main(sys.argv[1], float(sys.argv[2])))
