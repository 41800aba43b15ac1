"""Carries out the bulk re-triggers that people began, one turn after another, beside the steps of a worker.

Everything is in the tables: whoever has the run's lease takes the next turn, after a crash too. That no request is
acted on twice, each act's command sees to, which names the run and the request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine import events
from engine.causes.person import unpack_person
from engine.causes.port import Bulks
from engine.causes.records import Item, ItemState, Run, RunState, tally
from engine.causes.steering import Move, Next, next_move, outcome
from engine.commands.service import Engine
from engine.errors import RetriggerError, StorageError
from engine.logs import logger
from engine.records import Event
from engine.rules.permissions import Actor

log = logger(__name__)

TURN = 0.5  # seconds between looks
_LEASE = 10.0  # seconds, many times that of a turn


class BulkRunner:
    """``worker`` names this boot of an engine; ``present`` gives a person as they are now, who may have been in other
    groups when they began. Used by one thread."""

    def __init__(
        self, engine: Engine, bulks: Bulks, worker: str, present: Callable[[Actor], Actor] = lambda person: person
    ) -> None:
        self._engine, self._bulks, self._worker, self._present = engine, bulks, worker, present

    def turn(self) -> None:
        """Go on with every run that is ours, as far as that is possible now. Raises StorageError."""
        for run, due in self._bulks.claim(self._worker, _LEASE):
            try:
                while self._goes_on(run, due):
                    run, due = self._bulks.run(run.id), False
            except StorageError:
                raise
            except RetriggerError as error:  # one bad run must not hold up the others
                log.error("bulk.waits", says=f"The bulk re-trigger could not go on now: {error}", bulk=run.id)

    def _goes_on(self, run: Run, due: bool) -> bool:
        """Make the next move. False when it is to wait, or is over."""
        self._look(run)
        items = tally(self._bulks.items(run.id))
        following = next_move(run, due, items)
        match following.move:
            case Move.ACT if following.item is not None:
                self._act(run, following.item)
            case Move.GO_ON:
                told = _event(events.BULK_GOES_ON, run, canary=items[ItemState.RECOVERED][0].request_id)
                return self._bulks.advance(run.id, RunState.CANARY, RunState.RUNNING, told)
            case Move.STOP:
                return self._bulks.stop(run.id, following.why, _stopped(run, following, items))
            case Move.END:
                facts: dict[str, Any] = {state.value: len(found) for state, found in items.items() if found}
                facts |= {"why": run.why} if run.why else {}
                self._bulks.advance(run.id, run.state, RunState.ENDED, _event(events.BULK_ENDED, run, **facts))
                return False
        return following.move is Move.ACT

    def _look(self, run: Run) -> None:
        """At what is under way: what has come of it?"""
        key = self._bulks.cause(run.cause_id).key
        found = []
        for item in tally(self._bulks.items(run.id))[ItemState.UNDER_WAY]:
            request, steps = self._engine.store.status(item.request_id)
            graph = self._engine.catalog.graph(request.workflow, request.workflow_version)
            now = outcome(item, key, request, graph, {step.node: step for step in steps})
            if now is not item:
                found.append(now)
        if found:
            self._bulks.settle(run.id, found, ItemState.UNDER_WAY)

    def _act(self, run: Run, item: Item) -> None:
        """Re-trigger one, with all that any act is checked for: permission, version, plan (SPEC 4 to 6)."""
        command_id = f"bulk:{run.id}:{item.request_id}"
        done = item._replace(state=ItemState.UNDER_WAY)
        if self._engine.store.command(command_id) is None:  # else a process acted, and died before it said so
            person = self._present(unpack_person(run.person))
            try:
                self._engine.retrigger(
                    person,
                    item.request_id,
                    item.node,
                    flow=run.flow,
                    reason=run.reason,
                    expect_version=item.version,
                    command_id=command_id,
                    bulk=run.id,
                )
            except StorageError:
                raise
            except RetriggerError as refusal:
                done = item._replace(state=ItemState.SKIPPED, note=str(refusal))
        spent = done.state is ItemState.UNDER_WAY
        self._bulks.settle(run.id, [done], ItemState.WAITING, 60.0 / run.rate if spent else None)


def _stopped(run: Run, following: Next, items: dict[ItemState, list[Item]]) -> Event:
    repeated = [*items[ItemState.REPEATED], *items[ItemState.OTHERWISE]]
    return _event(events.BULK_STOPPED, run, why=following.why, request=repeated[0].request_id)


def _event(kind: str, run: Run, **facts: Any) -> Event:
    """Of the person who began the run, whatever the engine finds."""
    return told_of(kind, unpack_person(run.person), run.id, **facts)


def told_of(kind: str, person: Actor, run_id: int, reason: str | None = None, **facts: Any) -> Event:
    """What became of a bulk re-trigger, for the audit and the thread; its time is the write's."""
    data = {"bulk": run_id, **facts}
    return Event(None, kind, 0.0, by=person.name, actor=person.id, door=person.door, reason=reason, data=data)
