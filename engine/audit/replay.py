"""The history of a request, carried out once more by the engine's own rules.

Events come in the order in which they were stored, which is that of the request's changes. That a worker took a step
is told by its attempt alone, and nothing that happens elsewhere depends on the moment: so a step is taken just before
the event that ends its attempt.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from engine import events
from engine.audit.difference import Broken, Difference
from engine.audit.facts import Graphs, Rule, rule_of
from engine.audit.same import clauses, same, unlike
from engine.errors import RetriggerError
from engine.graph import Graph
from engine.records import AttemptEnd, Event, NewRequest, Step
from engine.rules.command_ids import FACT
from engine.rules.decide.block import begin_inner
from engine.rules.decide.claim import claim
from engine.rules.decide.send import send
from engine.rules.decide.submit import begin
from engine.rules.draft import Draft
from engine.states import MOVING, StepStatus
from engine.stored import AttemptDetail, History
from engine.texts import REMOVED

Key = tuple[str, int]  # of an attempt: node, number

_EARLY = 0.001  # seconds that a start may seem to come before its time: a delay is rebuilt, not stored
# Facts of an event that no rule leaves: what hangs on Slack, and what is kept to answer a repeated command.
_NOT_REBUILT = frozenset({"first", FACT})
_START = frozenset({"request_id", "workflow_version", "worker", "started_at"})  # of an attempt: known from itself alone
_END = frozenset({"response", "late"})


class Replay:
    """``run`` it; then ``request`` and ``steps`` are what the history makes of them. ``found``: attempts that are not
    as the rules began or ended them."""

    def __init__(self, history: History, graphs: Graphs) -> None:
        self._graphs = graphs
        self._id, self._is_pruned = history.request.id, history.request.pruned_at is not None
        self._events = [event for event in history.events if event.kind not in events.BESIDE]
        self._attempts: dict[Key, AttemptDetail] = {(a.start.node, a.start.number): a for a in history.attempts}
        self._cancelled: dict[float, list[Key]] = {}
        for key, attempt in self._attempts.items():
            if attempt.end is not None:
                self._cancelled.setdefault(attempt.end.ended_at, []).append(key)
        self._begun: set[Key] = set()
        self._ended: set[Key] = set()
        self._late: dict[Key, dict[str, Any]] = {}
        self._place = 0  # of the next event
        self.found: list[Difference] = []
        version = self._first_version()
        row = history.request
        new = NewRequest(row.workflow, version, row.app, "", row.requester, "")
        self.graph: Graph = graphs(version)
        self.request, first = begin(self._id, new, self.graph, self._events[0].at)
        self.steps: dict[str, Step] = {step.node: step for step in first}
        self._versions = {version}

    def run(self) -> None:
        """Carry out the whole history. Raises Broken where it does not hold together."""
        while self._place < len(self._events):
            self._next()
        for key, attempt in self._attempts.items():
            if attempt.end is None and key not in self._begun:
                self._take(*key)
        self._check_late()
        for node, number in self._attempts.keys() - self._begun:
            self._differ(node, f"attempt {number}", "nothing in it began that attempt")
        for node, number in self._begun - self._ended:
            if self._attempts[node, number].end is not None:
                self._differ(node, f"an end of attempt {number}", "nothing in it ended that attempt")

    def _first_version(self) -> int:
        """Submitting leaves the first event."""
        if not self._events or self._events[0].kind != events.SUBMITTED:
            raise Broken(None, "no event of its submitting as its first", "every request was submitted")
        version = (self._events[0].data or {}).get("version")
        if not isinstance(version, int):
            raise Broken(None, "no version in the event of its submitting", "it began with one")
        if (self._events[0].node, self._events[0].attempt) != (None, None):
            raise Broken(None, "a step in the event of its submitting", "no step had run")
        self._place = 1
        return version

    def _next(self) -> None:
        """One rule, with all the events that it left."""
        driver = self._driver()
        rule = rule_of(driver, self._graphs)
        if driver.kind == events.LATE:
            self._evidence(driver)
            return
        if rule is None:
            raise Broken(driver.node, _named(driver), "no rule leaves such an event there")
        outlet = (driver.data or {}).get("outlet")
        ways = {edge.outlet for edge in self.graph.outgoing.get(driver.node or "", ())}
        if outlet is not None and outlet not in ways:
            raise Broken(driver.node, _named(driver), f"no path {outlet} leads away from it")
        if driver.kind not in events.ACTS and driver.node is not None and driver.attempt is not None:
            self._take(driver.node, driver.attempt)
        for node, number in self._cancelled.get(driver.at, ()):
            if self._is_due(node, number):
                self._take(node, number)
        draft = self._carry_out(driver, rule)
        self._check_events(draft.events)
        self._check_attempts(draft)
        self.request, self.steps, self.graph = draft.request, draft.steps, draft.graph
        self._versions.add(self.request.workflow_version)

    def _driver(self) -> Event:
        """The event that tells which rule ran. Going on with another version cancels steps before the act is told."""
        first = self._events[self._place]
        if first.kind == events.CANCELLED:
            for event in self._events[self._place :]:
                if event.at != first.at:
                    break
                if event.kind in events.ACTS and (event.data or {}).get("version"):
                    return event
        return first

    def _carry_out(self, driver: Event, rule: Rule) -> Draft:
        draft = Draft(self.request, self.steps, self.graph, driver.at, told=True)
        try:
            rule(draft)
        except RetriggerError as refusal:
            raise Broken(driver.node, _named(driver), f"it was not possible then ({refusal})") from refusal
        except KeyError as missing:
            raise Broken(driver.node, _named(driver), f"there is no step {missing.args[0]}") from missing
        return draft

    def _check_events(self, made: Sequence[Event]) -> None:
        if not made:
            event = self._events[self._place]
            raise Broken(event.node, _named(event), "nothing could happen then")
        for event in made:
            if self._place == len(self._events):
                raise Broken(event.node, "no further event", f"{_named(event)} must follow")
            stored = self._events[self._place]
            if _essence(stored) != _essence(event) or not same(_told(stored), _told(event)):
                raise Broken(
                    stored.node, _named(stored), f"{_named(event)} must come there, with the facts of the rule"
                )
            self._place += 1

    def _check_attempts(self, draft: Draft) -> None:
        for attempt in draft.attempts:
            stored = self._attempts.get((attempt.node, attempt.number))
            if stored is None:
                raise Broken(attempt.node, f"no attempt {attempt.number}", "it was made")
            self._begun.add((attempt.node, attempt.number))
            self._compare(attempt.node, attempt.number, stored.start, attempt, _START)
        for end in draft.ends:
            self._check_end(end)

    def _check_end(self, end: AttemptEnd) -> None:
        self._ended.add((end.node, end.number))
        stored = self._attempts[end.node, end.number].end
        if stored is None:
            self._differ(end.node, f"no end of attempt {end.number}", f"it ended as {end.outcome.value}")
        else:
            self._compare(end.node, end.number, stored, end, _END)

    def _evidence(self, event: Event) -> None:
        """A late result changes nothing but its attempt."""
        self._place += 1
        if same(_told(event), (None, None, None, None, event.data or {}, None)):
            self._late[event.node or "", event.attempt or 0] = event.data or {}
        else:
            self._differ(event.node, f"somebody's name at {_named(event)}", "that was nobody's act")

    def _check_late(self) -> None:
        """The evidence of an attempt is that of the last event about it; retention leaves only that there was some."""
        for key, attempt in self._attempts.items():
            text = attempt.end.late if attempt.end is not None else None
            told, found = self._late.get(key), _parsed(text)
            is_removed = self._is_pruned and told is not None and found == REMOVED
            if not is_removed and not same(found, told):
                has = "no late result" if text is None else "a late result"
                self._differ(key[0], f"{has} at attempt {key[1]}", "no late result" if told is None else "another one")

    def _is_due(self, node: str, number: int) -> bool:
        """Whether that attempt can begin now."""
        step, block = self.steps.get(node), self.graph.block_of.get(node)
        if step is None or step.attempt != number - 1:
            return False
        if block is None:
            return step.due_at is not None and step.status in MOVING
        held = self.steps[block].status is StepStatus.RUNNING or self._is_due(block, self.steps[block].attempt + 1)
        return held and step.status is not StepStatus.RUNNING

    def _take(self, node: str, number: int) -> None:
        """A worker takes the step, and its call may leave."""
        attempt = self._attempts.get((node, number))
        if attempt is None:
            raise Broken(node, f"no attempt {number}", "something came of it")
        if (node, number) in self._begun:
            return
        if node in self.graph.block_of:
            self._take_inner(node, attempt)
        else:
            self._claim(node, attempt)
        self._begun.add((node, number))
        if attempt.idempotency_key is not None:
            self._send(node, number, attempt.idempotency_key)

    def _claim(self, node: str, attempt: AttemptDetail) -> None:
        step, number = self.steps.get(node), attempt.start.number
        if step is None or not self._is_due(node, number):
            state = "there is no such step" if step is None else f"the step was {step.status.value} then"
            raise Broken(node, f"attempt {number}", f"{state}, and could not be run")
        start = attempt.start
        waited = step.status is StepStatus.WAITING  # a ready step is due, whatever the clock says
        if waited and step.due_at is not None and start.started_at < step.due_at - _EARLY:
            self._differ(node, f"a start of attempt {number} before its time", "it was due later")
        if start.workflow_version not in self._versions:
            self._differ(node, f"version {start.workflow_version} at attempt {number}", "the request was never on it")
        running, begun = claim(step, start.workflow_version, start.worker or "", start.started_at, 0.0)
        self._compare(node, number, start, begun, _START)
        self.steps[node] = running

    def _take_inner(self, node: str, attempt: AttemptDetail) -> None:
        """The worker that holds the block begins its next step."""
        start, block = attempt.start, self.graph.block_of[node]
        if self.steps[block].status is not StepStatus.RUNNING:
            self._take(block, self.steps[block].attempt + 1)
        holder = self._attempts[block, self.steps[block].attempt].start
        draft = Draft(self.request, self.steps, self.graph, start.started_at, told=False)
        try:
            begin_inner(draft, holder, node)
        except RetriggerError as refusal:
            raise Broken(node, f"attempt {start.number}", f"it could not be run then ({refusal})") from refusal
        if draft.steps[node].attempt != start.number or not draft.attempts:
            has = f"attempt {self.steps[node].attempt} ({self.steps[node].status.value}) was its last then"
            raise Broken(node, f"attempt {start.number}", has)
        self._compare(node, start.number, start, draft.attempts[0], _START)
        self.steps = draft.steps

    def _send(self, node: str, number: int, key: str) -> None:
        draft = Draft(self.request, self.steps, self.graph, 0.0, told=False)
        try:
            send(draft, node, number, key)
        except RetriggerError as refusal:
            raise Broken(node, f"a call of attempt {number} under the key {key}", str(refusal)) from refusal
        self.steps = draft.steps

    def _compare(
        self, node: str, number: int, stored: tuple[object, ...], made: tuple[object, ...], without: frozenset[str]
    ) -> None:
        for name, its, mine in unlike(stored, made, without):
            has, should = clauses(name, its, mine)
            self._differ(node, f"{has} at attempt {number}", should)

    def _differ(self, node: str | None, stored: str, history: str) -> None:
        self.found.append(Difference(self._id, node, stored, history))


def _parsed(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


def _named(event: Event) -> str:
    return f"the event {event.kind}" + (f" of attempt {event.attempt}" if event.attempt is not None else "")


def _essence(event: Event) -> tuple[object, ...]:
    return (event.kind, event.at, event.node, event.attempt)


def _told(event: Event) -> tuple[object, ...]:
    facts = {name: value for name, value in (event.data or {}).items() if name not in _NOT_REBUILT}
    return (event.by, event.actor, event.door, event.reason, facts, event.command_id)
