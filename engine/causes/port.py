"""What causes and bulk re-triggers need of the database. Package ``storage`` implements it.

Every write is committed when the method returns. Rows of the outbox that belong to a cause, and to no request, have
minus the cause's number for a request, so they are told in an order of their own (engine.ports.outbox).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from engine.causes.records import Item, ItemState, Member, Run, RunState, SharedCause, Standing
from engine.records import Event


class Common(NamedTuple):
    """What blocks a request and many others. ``node`` is a step of the request that it blocks, since ``at``; ``app``
    the request's application; ``cause_id`` None: it has no card yet."""

    key: str
    source: str
    node: str
    app: str
    at: float
    cause_id: int | None


class Causes(Protocol):
    """What the relay needs to tell many requests by one card."""

    def common(self, request_id: int, nodes: Collection[str]) -> Common | None:
        """The one cause by which all these steps of the request are blocked, if its card tells them: there is one
        already, or so many requests were blocked by it within five minutes of this one, however long ago: Slack may
        have been away. A card whose time is over is closed for good."""
        ...

    def join(self, request_id: int, common: Common, error: str) -> int:
        """From now on the cause's card tells the request. Opens the cause, with ``error`` as its example, where it has
        no card; of two relays that do, one wins. Returns the cause's number."""
        ...

    def joined(self, request_id: int) -> frozenset[str]:
        """The keys of the causes whose cards tell the request; none: it has its own card, or none yet."""
        ...

    def touch(self, request_id: int) -> None:
        """The request has changed: let the cards of its causes show that soon."""
        ...

    def cause(self, cause_id: int) -> SharedCause:
        """Raises NotFound."""
        ...

    def standing(self, cause_id: int) -> Standing: ...

    def latest_run(self, cause_id: int) -> Run | None:
        """Its last bulk re-trigger that was begun."""
        ...

    def items(self, run_id: int) -> list[Item]:
        """By rising number of the request."""
        ...


class Bulks(Protocol):
    """What bulk re-triggers need. Each write is guarded by the state that it expects, and says whether it found it."""

    def cause(self, cause_id: int) -> SharedCause:
        """Raises NotFound."""
        ...

    def members(self, cause_id: int, limit: int) -> list[Member]:
        """The requests that it blocks still, oldest first, each with one step; at most ``limit``."""
        ...

    def new_run(self, draft: Run, items: Sequence[Item]) -> int:
        """Store a preview (``id`` and ``run_id`` are ignored), in the place of those that the person had before."""
        ...

    def run(self, run_id: int) -> Run:
        """Raises NotFound."""
        ...

    def items(self, run_id: int) -> list[Item]:
        """By rising number of the request."""
        ...

    def begin(self, run: Run, told: Event) -> bool:
        """From DRAFT to CANARY, with what the person chose. Raises Conflict while another one is under way."""
        ...

    def stop(self, run_id: int, why: str, told: Event) -> bool:
        """From CANARY or RUNNING to STOPPING; items that wait are LEFT."""
        ...

    def advance(self, run_id: int, before: RunState, after: RunState, told: Event) -> bool: ...

    def settle(self, run_id: int, changed: Iterable[Item], before: ItemState, next_in: float | None = None) -> None:
        """Store the new states and notes of items that were in the state ``before``; with ``next_in``, the run's next
        request is acted on so many seconds after its last was due."""
        ...

    def claim(self, worker: str, lease: float) -> list[tuple[Run, bool]]:
        """The runs under way that are this worker's, for ``lease`` seconds: its own, and those of nobody or of one
        whose lease ran out. With each, whether its next request is due."""
        ...
