"""`retrigger prune`: what ended long ago loses its contents, and keeps its history (docs/decisions/0036)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from engine import events
from engine.commands.service import Engine
from engine.errors import CannotBeRead, InvalidInput, NotFound
from engine.logs import logger
from engine.ports.retention import Masked, Old, Retention
from engine.records import Event
from engine.rules.permissions import Actor
from engine.spelling import nearest_first

DAY = 86400.0  # seconds
BATCH = 100  # requests in one transaction: few enough that the engine's own wait for no longer than usual
NIGHTLY = Actor("retention", "the setting retention", "engine", owner=True)
TURN = 60.0  # seconds between turns of an engine's own pruning
_TURN_LASTS = 2.0  # seconds
_EVERY = 6 * 3600.0  # seconds between the end of one round and the start of the next

log = logger(__name__)


class Pruned(NamedTuple):
    """How much was removed: requests by application, messages that were told, engines that are gone."""

    requests: Counter[str]
    messages: int = 0
    workers: int = 0


class Pruner:
    """Used by one thread. After each batch it pauses for as long as that took, so that whoever else writes has at least
    half of the database's time."""

    def __init__(
        self,
        engine: Engine,
        retention: Retention,
        pause: Callable[[float], object] = time.sleep,
        batch: int = BATCH,
    ) -> None:
        self._engine, self._retention, self._pause, self._batch = engine, retention, pause, batch

    def plan(self, actor: Actor, days: int, app: str | None = None) -> Counter[str]:
        """How many requests would be removed, by application. Raises NotPermitted, InvalidInput."""
        before = self._before(actor, days, app)
        return Counter(old.app for page in self._pages(before, app) for old in page)

    def prune(
        self, actor: Actor, days: int, app: str | None = None, progress: Callable[[int], None] = lambda number: None
    ) -> Pruned:
        """Remove what ended more than ``days`` ago; it may be broken off and begun again at any time. ``progress`` is
        told how many requests are done. Raises NotPermitted (Admin), InvalidInput."""
        before = self._before(actor, days, app)
        done: Counter[str] = Counter()
        for page in self._pages(before, app):
            done += self.remove(actor, before, days, page)
            progress(done.total())
        messages, workers = (0, 0) if app is not None else self.sweep(before)
        return Pruned(done, messages, workers)

    def remove(self, actor: Actor, before: float, days: int, page: Sequence[Old]) -> Counter[str]:
        """Those of ``page`` that can be removed now, by application."""
        done: Counter[str] = Counter()
        for first in range(0, len(page), self._batch):
            batch = page[first : first + self._batch]
            begun = time.monotonic()
            batch, masked = self._to_remove(batch)
            told = Event(
                None, events.PRUNED, 0.0, by=actor.name, actor=actor.id, door=actor.door,
                reason=f"older than {days} days", data={"before": before},
            )  # fmt: skip
            gone = set(self._retention.remove(before, [old.request_id for old in batch], masked, told))
            done.update(old.app for old in batch if old.request_id in gone)
            self._pause(time.monotonic() - begun)
        return done

    def sweep(self, before: float) -> tuple[int, int]:
        """Remove what is no request's: how many messages, and engines."""
        messages, after = 0, 0
        while True:
            begun = time.monotonic()
            number, following = self._retention.forget_told(before, after)
            messages += number
            if following is None:
                return messages, self._retention.forget_workers(before)
            after = following
            self._pause(time.monotonic() - begun)

    def _pages(self, before: float, app: str | None) -> Iterator[Sequence[Old]]:
        after, is_end = 0, False
        while not is_end:
            found, after, is_end = self._retention.old(before, after, app)
            if found:
                yield found

    def _before(self, actor: Actor, days: int, app: str | None) -> float:
        self._engine.may_administer(actor, app)
        known = self._engine.store.apps()
        if app is not None and app not in known:
            raise NotFound("application", app, f"Those with requests: {nearest_first(app, known) or 'none'}.")
        if days < 1:
            raise InvalidInput("Nothing younger than a day can be removed.", "older_than")
        return self._retention.now() - days * DAY

    def _to_remove(self, batch: Sequence[Old]) -> tuple[list[Old], list[Masked]]:
        """Those whose texts can be masked, or need not be; one that cannot be stays, and does not keep the others."""
        fit, masked = [], []
        for old in batch:
            try:
                found = self._masked(old)
            except (NotFound, CannotBeRead) as error:
                log.warning("retention.left", says=str(error), request=f"REQ-{old.request_id}")
                continue
            fit.append(old)
            masked += [] if found is None else [found]
        return fit, masked

    def _masked(self, old: Old) -> Masked | None:
        """None where the definition lists nothing as sensitive."""
        workflow = self._engine.catalog.get(old.workflow, old.workflow_version).workflow
        return self._engine.masked_texts(old.request_id) if workflow.sensitive else None


class NightlyPruning:
    """An engine's own, by the setting ``retention``: a little at each ``turn``, round after round. ``clock`` gives
    seconds that only rise."""

    def __init__(self, pruner: Pruner, retention: Retention, days: int, clock: Callable[[], float]) -> None:
        self._pruner, self._retention, self._days, self._clock = pruner, retention, days, clock
        self._after = 0
        self._removed = 0  # in this round
        self._next = clock()

    def turn(self) -> None:
        """Remove for two seconds at most. Raises StorageError."""
        begun = self._clock()
        while begun >= self._next and self._clock() - begun < _TURN_LASTS:
            before = self._retention.now() - self._days * DAY
            found, self._after, is_end = self._retention.old(before, self._after, None)
            self._removed += self._pruner.remove(NIGHTLY, before, self._days, found).total()
            if is_end:
                messages, _ = self._pruner.sweep(before)
                log.info("retention.done", requests=self._removed, messages=messages)
                self._after, self._removed, self._next = 0, 0, self._clock() + _EVERY
