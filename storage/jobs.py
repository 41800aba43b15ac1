"""The queue through which steps come to workers, where the workers do not look for due steps themselves (SPEC 9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from engine.records import Claim, Step
from engine.states import StepStatus

Row = tuple[int, str, int]  # the request, the node, and the version of the step's row


class Due(NamedTuple):
    """A step that is due, or will be at ``at``, as ``version`` of its row says."""

    request_id: int
    node: str
    version: int
    at: float


class Jobs(Protocol):
    """A job says "this request has something due", and opens a slot for that, nothing else: the steps' rows are the
    truth. So a job too many does nothing, and one that is lost is made again."""

    def put(self, connection: Connection, due: Sequence[Due], now: float) -> None:
        """A job for each of these, for the time when it is due, in the transaction that makes them so."""
        ...

    def remove(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Nobody need be told of these any more. Those that somebody is just being told of may stay."""
        ...

    def put_missing(self, connection: Connection, now: float) -> int:
        """A job for each step that has been due for a moment and waits in no job; of very many, the oldest. Returns how
        many."""
        ...


def left_due(steps: Iterable[Step]) -> list[Due]:
    """Those of ``steps`` that somebody must take, now or later."""
    return [
        Due(step.request_id, step.node, step.version, step.due_at)
        for step in steps
        if step.due_at is not None and (step.status is StepStatus.READY or step.status is StepStatus.WAITING)
    ]


def was_due(claim: Claim) -> Row:
    """The step's row before it was claimed."""
    return claim.step.request_id, claim.step.node, claim.step.version - 1
