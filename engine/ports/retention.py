"""What retention asks of a database (docs/decisions/0036). Package ``storage`` implements it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from engine.records import Event
from engine.states import FINAL, RequestStatus
from engine.stored import RequestDetail

PRUNABLE = FINAL | {RequestStatus.FAILED}  # what may be removed; a Failed request can be re-triggered until then


class Old(NamedTuple):
    """A request that ended long ago."""

    request_id: int
    workflow: str
    workflow_version: int
    app: str


class OldPage(NamedTuple):
    """Some of them, by id; ``last`` is the id that was looked at last, and ``is_end``: none follows."""

    found: tuple[Old, ...]
    last: int
    is_end: bool


class Masked(NamedTuple):
    """A request as it is stored, and with its sensitive values out of all its texts: once the input and the results are
    gone, nobody knows any more which values those were."""

    stored: RequestDetail
    shown: RequestDetail


class Retention(Protocol):
    """``before``: seconds since the epoch, by the database's clock."""

    def now(self) -> float:
        """The database's clock."""
        ...

    def old(self, before: float, after: int, app: str | None) -> OldPage:
        """Requests that ended before that, behind the id ``after``. Those of one application, or (None) of all."""
        ...

    def remove(self, before: float, ids: Sequence[int], masked: Sequence[Masked], pruned: Event) -> list[int]:
        """Remove the contents of these requests, in one transaction, and store ``pruned`` with how many and which. Left
        out are those that somebody acted on meanwhile, that still move, or of which something is still to be told.
        Returns the ids of the others."""
        ...

    def forget_told(self, before: float, after: int) -> tuple[int, int | None]:
        """Remove some of the messages that were told before that, behind the row ``after``. Returns how many, and the
        row to go on behind; None when there are no more."""
        ...

    def forget_workers(self, before: float) -> int:
        """Remove the rows of engines that were last present before that. Returns how many."""
        ...
