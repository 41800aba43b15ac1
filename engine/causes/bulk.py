"""Re-triggering what one cause blocks, all together: the preview, the begin and the stop (SPEC 7).

Whoever does must hold Take action in every application concerned. The requests are those that the preview found; each
is checked once more when its turn comes (engine.causes.runner).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from engine import events
from engine.causes.person import pack_person, unpack_person
from engine.causes.port import Bulks
from engine.causes.records import Item, ItemState, Member, Run, RunState, SharedCause
from engine.causes.runner import told_of
from engine.commands.service import Engine
from engine.errors import Conflict, InvalidInput, Refused
from engine.limits import BULK_RATE, BULK_RATES, MAX_BULK, MAX_REASON_CHARS
from engine.rules.allowed import Action
from engine.rules.permissions import Actor
from engine.rules.plan import PlannedStep


class Preview(NamedTuple):
    """What a bulk re-trigger would do. ``runs``: how many requests have each step planned; ``left_out``: requests that
    must be looked at one by one, with the reason in each one's note."""

    run: Run
    cause: SharedCause
    items: tuple[Item, ...]
    left_out: tuple[Item, ...]
    runs: Mapping[PlannedStep, int]

    @property
    def apps(self) -> Mapping[str, int]:
        """How many requests of each application."""
        return Counter(item.app for item in self.items)


class Bulk:
    """The commands, for the doors."""

    def __init__(self, engine: Engine, bulks: Bulks) -> None:
        self._engine, self._bulks = engine, bulks

    def permitted(self, actor: Actor, cause_id: int) -> None:
        """Raise NotPermitted unless the person may act in every application that is concerned now; the refusal is
        audited. Raises NotFound."""
        members = self._bulks.members(cause_id, MAX_BULK)
        self._engine.permitted_everywhere(actor, {member.app for member in members})

    def preview(self, actor: Actor, cause_id: int) -> Preview:
        """Freeze what would be re-triggered: step and flow, of each request that is blocked now. Raises NotFound,
        NotPermitted, Refused."""
        cause = self._bulks.cause(cause_id)
        members = self._bulks.members(cause_id, MAX_BULK)
        self._engine.permitted_everywhere(actor, {member.app for member in members})
        if not members:
            raise Refused("Nothing is blocked by this any more, so there is nothing to re-trigger.")
        runs: Counter[PlannedStep] = Counter()
        items = [self._planned(actor, member, runs) for member in members]
        left_out = tuple(item for item in items if item.state is ItemState.SKIPPED)
        person = pack_person(actor)
        draft = Run(0, cause_id, RunState.DRAFT, person, True, BULK_RATE, None, None, 0.0, None, None, None)
        run = draft._replace(id=self._bulks.new_run(draft, items))
        chosen = tuple(item for item in items if item.state is ItemState.WAITING)
        return Preview(run, cause, chosen, left_out, runs)

    def _planned(self, actor: Actor, member: Member, runs: Counter[PlannedStep]) -> Item:
        """The safest first: what could repeat a call that took effect is no matter of many at once."""
        item = Item(0, member.request_id, member.node, member.version, member.app, ItemState.WAITING)
        try:
            plan = self._engine.plan(actor, member.request_id, Action.FLOW, member.node)
        except Refused as refusal:
            return item._replace(state=ItemState.SKIPPED, note=str(refusal))
        if plan.step_version != member.version:
            return item._replace(state=ItemState.SKIPPED, note="It has changed just now.")
        if plan.needs_confirmation:
            return item._replace(state=ItemState.SKIPPED, note="An earlier call of it may have taken effect.")
        runs.update(plan.runs)
        return item

    def begin(self, actor: Actor, run_id: int, *, flow: bool, rate: int, reason: str | None) -> Run:
        """Carry out what a preview of this person froze. Raises NotFound, NotPermitted, InvalidInput, Conflict."""
        run = self._bulks.run(run_id)
        if rate not in BULK_RATES:
            raise InvalidInput(f"The rate is one of {', '.join(map(str, BULK_RATES))} requests a minute.", "rate")
        reason = (reason or "").strip()
        if not reason:
            raise InvalidInput("Give a reason: it is kept in the audit of every request.", "reason")
        items = [item for item in self._bulks.items(run_id) if item.state is ItemState.WAITING]
        self._engine.permitted_everywhere(actor, {item.app for item in items})
        if unpack_person(run.person).id != actor.id:
            raise Refused("This preview was made for somebody else. Open it anew.")
        if not items:
            raise Refused("Each of these requests must be looked at by itself, so there is nothing to begin.")
        for item in items:  # it is told with every one of them, and may hold what only one of them hides
            reason = self._engine.masked(item.request_id, reason)
        if len(reason) > MAX_REASON_CHARS:
            raise InvalidInput(f"Keep the reason under {MAX_REASON_CHARS} characters.", "reason")
        begun = run._replace(state=RunState.CANARY, person=pack_person(actor), flow=flow, rate=rate, reason=reason)
        told = told_of(events.BULK_BEGUN, actor, run_id, reason, requests=len(items), rate=rate, flow=flow)
        if not self._bulks.begin(begun, told):
            raise Conflict("This bulk re-trigger", self._bulks.run(run_id).state.value)
        return begun

    def stop(self, actor: Actor, run_id: int) -> Run:
        """Begin nothing more; what is under way ends as it does. Raises NotFound, NotPermitted, Conflict."""
        run = self._bulks.run(run_id)
        self._engine.permitted_everywhere(actor, {item.app for item in self._bulks.items(run_id)})
        why = f"{actor.name} stopped it"
        if not self._bulks.stop(run_id, why, told_of(events.BULK_STOPPED, actor, run_id, why=why)):
            now = self._bulks.run(run_id)
            since = f", since {now.why}" if now.why else ""
            raise Conflict("This bulk re-trigger", f"{now.state.value}{since}")
        return run
