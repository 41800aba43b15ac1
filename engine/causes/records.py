"""The rows of causes and of bulk re-triggers, as the rules and the doors see them. Times as in engine.records."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from engine.rules.fingerprint import without_values


class SharedCause(NamedTuple):
    """What blocks many requests at once: a connection and an error, from ``since`` on. ``error`` is that of one of
    them, masked, as an example; ``app`` is that one's application."""

    id: int
    key: str
    source: str
    error: str
    app: str
    since: float
    opened_at: float
    closed_at: float | None = None

    def told_to(self, apps: Container[str]) -> str:
        """The example, for those who are concerned with its application; for those of others what it has in common
        with the errors of theirs, without any value of a request that they may not see."""
        return self.error if self.app in apps else without_values(self.error)


class Stand(StrEnum):
    """Where a request stands that the cause blocked. Of its steps, the first in this order counts."""

    BLOCKED = "blocked"  # by it, still
    MOVING = "moving"
    OTHERWISE = "otherwise"  # blocked by something else, or ended in another way
    RECOVERED = "recovered"


class Standing(NamedTuple):
    """How many requests of each application stand where."""

    apps: Mapping[str, Mapping[Stand, int]]

    def count(self, stand: Stand | None = None) -> int:
        """Of all applications; without ``stand`` all that the cause blocked."""
        return sum(sum(found.values()) if stand is None else found.get(stand, 0) for found in self.apps.values())


class Member(NamedTuple):
    """A step that the cause blocks still."""

    request_id: int
    node: str
    version: int
    app: str


class RunState(StrEnum):
    """Of a bulk re-trigger."""

    DRAFT = "draft"  # a preview that nobody has submitted
    CANARY = "canary"  # one request, whose outcome is awaited
    RUNNING = "running"
    STOPPING = "stopping"  # nothing more is started; what is under way is awaited
    ENDED = "ended"


RUN_UNDER_WAY = (RunState.CANARY, RunState.RUNNING, RunState.STOPPING)


class ItemState(StrEnum):
    """Of one request in a bulk re-trigger."""

    WAITING = "waiting"
    UNDER_WAY = "under_way"
    RECOVERED = "recovered"
    REPEATED = "repeated"  # blocked again, by the same error
    OTHERWISE = "otherwise"  # blocked by another error, or ended in another way
    SKIPPED = "skipped"  # not acted on; the note says why
    LEFT = "left"  # the run was stopped before its turn


class Run(NamedTuple):
    """A bulk re-trigger. ``person``: who, as JSON (engine.causes.person). ``rate``: requests a minute. ``why``: why it
    was stopped. ``next_at``: the next request is not acted on before."""

    id: int
    cause_id: int
    state: RunState
    person: str
    flow: bool
    rate: int
    reason: str | None
    why: str | None
    created_at: float
    begun_at: float | None
    next_at: float | None
    ended_at: float | None

    @property
    def under_way(self) -> bool:
        return self.state in RUN_UNDER_WAY


class Item(NamedTuple):
    """One request of a bulk re-trigger, with the blocked step as the preview found it."""

    run_id: int
    request_id: int
    node: str
    version: int
    app: str
    state: ItemState
    note: str | None = None


def tally(items: Iterable[Item]) -> dict[ItemState, list[Item]]:
    """The items by state, each state in the order of the enum."""
    found: dict[ItemState, list[Item]] = {state: [] for state in ItemState}
    for item in items:
        found[item.state].append(item)
    return found
