"""Operations whose rows somebody has locked for longer than others can wait: a transaction left open in psql, say."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from math import inf
from typing import NamedTuple

from engine.logs import logger
from storage.operations import Change, Operation

log = logger(__name__)

PATIENCE = 10.0  # seconds for which an operation is tried; who asked for it may ask again
PROBES = 16  # that are tried at once: each may take as long as a transaction that hurries waits for a lock
PAUSE = 0.25  # seconds between such tries


class _Waiting(NamedTuple):
    operation: Operation
    until: float
    error: Exception


class SetAside:
    """Of those of one request, one is tried for all. Times are of a clock that only runs."""

    def __init__(self) -> None:
        self._queues: dict[Hashable, deque[_Waiting]] = {}
        self._next = 0.0

    def __bool__(self) -> bool:
        return bool(self._queues)

    def put(self, operation: Operation, now: float, error: Exception) -> None:
        """Set it aside, for this reason."""
        key = _rows(operation)
        if key not in self._queues:
            self._queues[key] = deque()
            log.warning("writer.locked", says=f"{error} Meanwhile the others go on.", request=_named(operation))
        self._queues[key].append(_Waiting(operation, now + PATIENCE, error))

    def sift(self, operations: Iterable[Operation], now: float) -> list[Operation]:
        """Those of ``operations`` whose rows nobody is known to have. The others are set aside."""
        free = []
        for operation in operations:
            queue = self._queues.get(_rows(operation))
            if queue:
                queue.append(_Waiting(operation, now + PATIENCE, queue[0].error))
            else:
                free.append(operation)
        return free

    def probes(self, now: float) -> list[Operation]:
        """By which to find out, now and then, who may go on: the first ones of some; those of the others come next."""
        if now < self._next:
            return []
        self._next = now + PAUSE
        keys = list(self._queues)[:PROBES]
        for key in keys:
            self._queues[key] = self._queues.pop(key)  # behind all others
        return [self._queues[key][0].operation for key in keys]

    def release(self, probe: Operation) -> list[Operation]:
        """The probe is done: those that waited behind it."""
        _, *others = self._queues.pop(_rows(probe))
        return [waiting.operation for waiting in others]

    def expired(self, now: float) -> list[tuple[Operation, Exception]]:
        """Those that were tried for long enough, each with what is in its way. They are here no more."""
        found = []
        for key, queue in list(self._queues.items()):
            while queue and queue[0].until <= now:
                operation, _, error = queue.popleft()
                found.append((operation, error))
            if not queue:
                del self._queues[key]
        return found

    def all(self) -> list[Operation]:
        """Every one. They are here no more."""
        return [operation for operation, _ in self.expired(inf)]


def _rows(operation: Operation) -> Hashable:
    """What stands for the rows that it needs."""
    return operation.request_id if isinstance(operation, Change) else operation


def _named(operation: Operation) -> str | None:
    return f"REQ-{operation.request_id}" if isinstance(operation, Change) else None
