"""Requests as the writer last wrote them, so that a busy one is not read again for each of its steps.

Only on SQLite, where the writer holds the one write lock, and ``data_version`` tells it whether any other connection
has written since. On PostgreSQL there is no such sign: everything is read, and locked, anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.records import Request, Step
from engine.states import FINAL

_LIMIT = 2000  # requests


class Held:
    """A request in the writer's hands: as it is stored, and as the operations so far have left it."""

    __slots__ = ("request", "steps", "stored", "stored_steps")

    def __init__(self, request: Request, steps: dict[str, Step] | None = None) -> None:
        self.stored = self.request = request
        self.stored_steps: dict[str, Step] = {} if steps is None else steps
        self.steps = self.stored_steps


class RequestCache:
    """Requests that are certainly as in the database. ``begin`` each transaction with it; ``forget`` when one fails."""

    def __init__(self) -> None:
        self._held: dict[int, Held] = {}
        self._version: int | None = None

    def begin(self, data_version: int | None) -> None:
        """Forget everything, if another connection has written (None: that cannot be told)."""
        if data_version is None or data_version != self._version:
            self.forget()
            self._version = data_version

    def forget(self) -> None:
        """Start anew."""
        self._held.clear()
        self._version = None

    def get(self, request_id: int) -> Held | None:
        """The request, if it is known."""
        return self._held.get(request_id)

    def committed(self, held: Iterable[Held], created: Iterable[Held], claimed: Iterable[Step]) -> None:
        """What was written is what is stored now. New requests are kept as long as there is room: they may wait
        behind others, which are needed sooner."""
        if self._version is None:
            return
        for it in held:
            it.stored, it.stored_steps = it.request, it.steps
            self._held.pop(it.request.id, None)
            if it.request.status not in FINAL:
                self._held[it.request.id] = it
        for it in created:
            if len(self._held) < _LIMIT:
                self._held[it.request.id] = it
        for step in claimed:
            known = self._held.get(step.request_id)
            if known is not None:
                known.stored_steps[step.node] = step
        while len(self._held) > _LIMIT:
            del self._held[next(iter(self._held))]  # the one that was changed longest ago
