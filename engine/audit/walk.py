"""All requests, or some, audited one after another: a page of them is in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from engine.audit.audit import audit
from engine.audit.difference import Difference
from engine.graph import Graph
from engine.ports.store import Store
from engine.stored import History, Unreadable

PAGE = 200  # requests in memory at once
_STRAYS = 100  # told of each table


class Audited(NamedTuple):
    """A request that was looked at, and what was found. ``exists`` False: only rows of other tables name it."""

    request_id: int
    found: list[Difference]
    exists: bool = True


def walk(store: Store, graph: Callable[[str, int], Graph], only: Sequence[int] = ()) -> Iterator[Audited]:
    """Audit the requests ``only``, or every one, by id, and then look for rows that belong to none. ``graph`` gives
    that of a workflow's version. Raises NotFound for one of ``only`` that does not exist.

    A request is read in one snapshot, so it may move meanwhile.
    """
    for history in _histories(store, only):
        yield Audited(history.request_id, _differences(history, graph))
    if only:
        return
    for table, request_id in store.strays(_STRAYS):
        lone = Difference(request_id, None, f"rows in {table}", "there is no such request")
        yield Audited(request_id, [lone], exists=False)


def _differences(history: History | Unreadable, graph: Callable[[str, int], Graph]) -> list[Difference]:
    if isinstance(history, Unreadable):
        return [Difference(history.request_id, None, "rows that cannot be read", f"it meets {history.why.rstrip('.')}")]
    return audit(history, partial(graph, history.request.workflow))


def _histories(store: Store, only: Sequence[int]) -> Iterator[History | Unreadable]:
    if only:
        yield from map(store.history, dict.fromkeys(only))
        return
    after = 0
    while page := store.histories(after, PAGE):
        yield from page
        after = page[-1].request_id
