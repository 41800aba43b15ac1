"""What threads ask of the writer. Each is a replayable function, with somebody who is told its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from engine.graph import Graph
from engine.records import Event, NewRequest
from engine.rules.draft import Draft

Then = Callable[[Any, Exception | None], None]  # given the answer, or the error


@dataclass(slots=True, eq=False)
class Operation:
    """``then`` is called once, after the commit, in the writer's thread."""

    then: Then
    is_answered: bool = field(default=False, init=False)

    def answer(self, value: Any, error: Exception | None = None) -> None:
        """Tell the answer; the first one stands."""
        if not self.is_answered:
            self.is_answered = True
            self.then(value, error)


@dataclass(slots=True, eq=False)
class Change(Operation):
    """Let ``decide`` draft the changes of one request. ``ends_step``: it is the outcome of a step, whose slot is free
    for what follows."""

    request_id: int
    decide: Callable[[Draft], Any]
    command_id: str | None = None
    ends_step: bool = False


@dataclass(slots=True, eq=False)
class Create(Operation):
    """Store a new request."""

    new: NewRequest
    graph: Graph
    submitted: Event


@dataclass(slots=True, eq=False)
class Direct(Operation):
    """Statements of its own, given the connection and the time. It raises a RetriggerError only before it writes.

    ``beside``: it changes nothing of requests and steps that a rule decides by, so what is known of them stays known,
    and it comes last: who holds rows of its own waits for nobody's requests.
    """

    run: Callable[[Connection, float], Any]
    beside: bool = False
