"""One operation's changes to one request, being drafted.

A rule (engine.rules.decide) reads ``draft.request`` and ``draft.steps`` and calls the methods that change them. Nothing
is written until the rule returns; what it raises drops the draft. Storage turns ``changes()`` into guarded writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine import events
from engine.errors import LostRow
from engine.graph import Graph
from engine.records import Attempt, AttemptEnd, Blocked, Event, Notice, Request, Step, Trigger, changed
from engine.rules.fingerprint import blocked_by
from engine.states import MOVING, RequestStatus, StepStatus, check_request_change, check_step_change


class Steps(dict[str, Step]):
    """By node. Raises LostRow for one that has no row."""

    def __missing__(self, node: str) -> Step:
        raise LostRow(node)


class Draft:
    """``now`` is the database's clock. ``told`` says whether the request's application has a Slack channel."""

    def __init__(self, request: Request, steps: Mapping[str, Step], graph: Graph, now: float, told: bool) -> None:
        self.request = request
        self.steps = Steps(steps)
        self.before, self.steps_before = request, steps  # what the rule found
        self.graph = graph
        self.now = now
        self.results: dict[str, str | None] = {}  # node → JSON text
        self.changed: set[str] = set()  # nodes
        self.added: set[str] = set()  # nodes that had no row: another workflow version brought them
        self.attempts: list[Attempt] = []
        self.call_keys: list[tuple[str, int, str]] = []  # node, attempt, idempotency key of a call about to leave
        self.ends: list[AttemptEnd] = []
        self.events: list[Event] = []
        self.notices: list[Notice] = []
        self.blocked: list[Blocked] = []
        self.request_changed = False
        self._told = told

    def change_step(self, node: str, **fields: Any) -> Step:
        """Change some fields of a step; its version rises by one for the whole draft."""
        before = self.steps[node]
        if "status" in fields:
            check_step_change(node, before.status, fields["status"])
        if node not in self.changed and node not in self.added:
            self.changed.add(node)
            fields["version"] = before.version + 1
        after = self.steps[node] = changed(before, fields)
        return after

    def add_step(self, node: str, kind: str) -> None:
        """A row for a node that another version of the workflow brought."""
        self.steps[node] = Step(self.request.id, node, kind, StepStatus.PENDING, 1)
        self.added.add(node)

    def change_version(self, version: int, graph: Graph) -> None:
        """From now on the request runs on ``graph``. Rows of nodes that it lacks stay: their history counts."""
        self.graph = graph
        self._touch(workflow_version=version)

    def set_result(self, node: str, result: str | None) -> None:
        """``result`` is JSON text."""
        self.results[node] = result

    def change_request(self, status: RequestStatus, reason: str | None) -> None:
        """Move the request; says so in the audit when the status or its reason changes."""
        before = self.request
        if status is before.status and reason == before.reason:
            return
        check_request_change(before.id, before.status, status)
        self._touch(status=status, reason=reason)
        if status is not before.status:
            self._touch(blocked_at=self.now if status is RequestStatus.BLOCKED else None)
        if status is RequestStatus.BLOCKED and self._told:
            self._touch(alerted=True)
        if status is not before.status:
            facts = {"from": before.status.value, "to": status.value}
            self.event(events.STATUS, reason=reason, data={**facts, **self._stuck(before)})

    def _stuck(self, before: Request) -> dict[str, bool]:
        """That no step blocks the request, which has become Blocked all the same, so that no event of a step tells it;
        and whether it is the request's first alert."""
        if self.request.status is not RequestStatus.BLOCKED:
            return {}
        rows = (self.steps[node] for node in self.graph.nodes if node in self.steps)
        told = any(step.status is StepStatus.BLOCKED and not step.stale for step in rows)
        return {} if told else {"stuck": True, "first": not before.alerted}

    def revise(self) -> None:
        """Whoever would act on the request as it was seen is refused: Continue flow runs something else now."""
        self._touch()

    def event(self, kind: str, node: str | None = None, **facts: Any) -> Event:
        """Add a line to the audit."""
        event = Event(self.request.id, kind, self.now, node, **facts)
        self.events.append(event)
        return event

    def note_blocked(self, node: str) -> None:
        """Keep by what the step is blocked, so that many that one outage blocks are told together (SPEC 7)."""
        found = blocked_by(self.request, self.graph, self.steps, node, self.now) if self._told else None
        if found is not None:
            self.blocked.append(found)

    def tell(self, trigger: Trigger, event: Event) -> None:
        """Tell the outcome, privately, to the person whose act this ends: in the channel, or by a direct message."""
        if self._told or trigger.actor.startswith("slack:"):
            kind = "direct" if trigger.away else "tell"
            self.notices.append(Notice(self.request.id, kind, event, trigger.actor))

    def close(self) -> None:
        """Add the notices that follow from the events, once the rule has returned."""
        self._tell_end()
        if self.request.alerted and (self.changed or self.events or self.request_changed):
            privately = [notice.event for notice in self.notices]  # what only one person sees vanishes
            told = (event for event in self.events if events.told(event) or event in privately)
            lines = [Notice(self.request.id, "line", event) for event in told]
            self.notices = [Notice(self.request.id, "card"), *lines, *self.notices]
        if self._told and any(self._asks_otherwise(node) for node in self.changed):
            self.notices.append(Notice(self.request.id, "asks"))

    def _tell_end(self) -> None:
        """Where the flow came to is told, once, to everybody whose act let it run, unless this operation tells them
        something of it already, or is their own, whose answer says it."""
        end = next(filter(events.is_end, self.events), None) if self.request_changed else None
        if end is None:
            return
        knows = {notice.actor for notice in self.notices} | {event.actor for event in self.events}
        for trigger in (step.trigger for step in self.steps.values()):
            if trigger and trigger.did in events.LET_RUN and trigger.bulk is None and trigger.actor not in knows:
                knows.add(trigger.actor)
                self.tell(trigger, end)

    def _asks_otherwise(self, node: str) -> bool:
        """Whether it is another approval that waits, or none any more, or somebody has answered."""
        return node in self.steps_before and self.steps[node].approval is not self.steps_before[node].approval

    def moving(self) -> bool:
        """Whether any step is ready, running or waiting."""
        return any(step.status in MOVING for step in self.steps.values())

    def _touch(self, **fields: Any) -> None:
        if not self.request_changed:
            self.request_changed = True
            fields["version"] = self.request.version + 1
        self.request = self.request._replace(updated_at=self.now, **fields)
