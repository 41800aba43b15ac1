"""One request in memory: the pure rules run against it exactly as against a database, without one."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from engine import events
from engine.graph import END, FAILURE, SUCCESS, Edge, Graph, GraphNode
from engine.records import Approval, Attempt, AttemptEnd, Event, NewRequest, Notice, Step
from engine.rules.allowed import Action
from engine.rules.decide import options
from engine.rules.decide.act import Act
from engine.rules.decide.block import begin_inner, end_inner
from engine.rules.decide.claim import claim
from engine.rules.decide.finish import Finished, finish
from engine.rules.decide.submit import begin
from engine.rules.decide.waits import answer, call_back, time_is_up
from engine.rules.draft import Draft
from engine.rules.outcomes import Ended, Failure, Success, Waits
from engine.rules.plan import Plan
from engine.states import CallEffect, RequestStatus, StepStatus
from engine.stored import AttemptDetail, History

T = TypeVar("T")


def graph(
    *edges: str,
    kinds: dict[str, str] | None = None,
    ends: dict[str, str] | None = None,
    inner: dict[str, tuple[str, ...]] | None = None,
    cancels: Collection[str] = (),
    callers: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> Graph:
    """A graph from lines such as "a > b", "a -failure> c", "route -ship> ship". Nodes are actions unless named.

    ``ends`` gives the status of end nodes; "end" is completed. ``cancels``: those of them that cancel others. ``inner``
    gives the actions inside each sync block, ``callers`` the callbacks whose address a step gives out.
    """
    kinds = {**(kinds or {}), **dict.fromkeys(inner or (), "sync")}
    statuses = {END: "completed", **(ends or {})}
    parsed = []
    for line in edges:
        left, target = line.split(">")
        source, _, outlet = left.strip().partition(" -")
        parsed.append(Edge(source.strip(), outlet.strip() or SUCCESS, target.strip()))
    names = dict.fromkeys(name for edge in parsed for name in (edge.source, edge.target))
    order: list[str] = []
    while len(order) < len(names):  # Kahn's algorithm, small and slow
        order += [n for n in names if n not in order and all(e.source in order for e in parsed if e.target == n)]
    nodes = {}
    for name in order:
        end = RequestStatus(statuses[name]) if name in statuses else None
        kind, gives = "end" if end else kinds.get(name, "action"), frozenset(callers.get(name, ()))
        nodes[name] = GraphNode(name, kind, end, name in cancels, callbacks=gives)
    inside = {block: tuple(GraphNode(step, "action") for step in steps) for block, steps in (inner or {}).items()}
    return Graph(nodes, tuple(parsed), order[0], inside)


class MemoryRequest:
    """Applies drafts to itself. ``ran`` lists every (node, kind) that was claimed."""

    def __init__(self, workflow: Graph, requester: str = "someone@example.com") -> None:
        self.graph = workflow
        self.now, self.tick = 1000.0, 1.0  # seconds, and between two operations
        self.request, steps = begin(1, NewRequest("w", 1, "HR", "", requester, "{}"), workflow, self.now)
        self.steps: dict[str, Step] = {step.node: step for step in steps}
        self.versions = {1: workflow}
        self.keys: dict[tuple[str, int], str] = {}
        self.late: dict[tuple[str, int], str] = {}
        self.results: dict[str, Any] = {}
        self.attempts: list[Attempt] = []
        self.ends: dict[tuple[str, int], AttemptEnd] = {}
        self.events: list[Event] = []
        self.notices: list[Notice] = []

    def do(self, decide: Callable[[Draft], T]) -> T:
        """Run a rule; keep its changes unless it raises."""
        self.now += self.tick
        draft = Draft(self.request, self.steps, self.graph, self.now, told=True)
        answer = decide(draft)
        draft.close()
        self.request, self.steps, self.graph = draft.request, draft.steps, draft.graph
        self.results.update({node: json.loads(text) for node, text in draft.results.items() if text is not None})
        self.attempts += draft.attempts
        self.versions[draft.request.workflow_version] = draft.graph
        self.keys.update({(node, number): key for node, number, key in draft.call_keys})
        for end in draft.ends:
            if end.late is not None:
                self.late[end.node, end.number] = end.late
            else:
                self.ends.setdefault((end.node, end.number), end)
        self.events += draft.events
        self.notices += draft.notices
        return answer

    def claim(self, node: str) -> int:
        """Let a worker take the step, once it is due, as a ready one is. Returns the attempt's number."""
        if self.steps[node].status is StepStatus.WAITING:
            self.now = max(self.now, self.steps[node].due_at or 0.0)
        running, attempt = claim(self.steps[node], self.request.workflow_version, "w1", self.now, 5.0)
        self.steps[node] = running
        self.attempts.append(attempt)
        return attempt.number

    def succeed(self, node: str, outlet: str = SUCCESS, attempt: int | None = None) -> bool:
        """Run the step to success."""
        number = attempt or self.claim(node)
        return self.do(lambda d: finish(d, Finished(node, number, Success("{}", outlet))))

    def fail(
        self,
        node: str,
        error: str = "503",
        call: CallEffect = CallEffect.UNKNOWN,
        retry_in: float | None = None,
        attempt: int | None = None,
    ) -> bool:
        """Run the step to a failure."""
        number = attempt or self.claim(node)
        return self.do(lambda d: finish(d, Finished(node, number, Failure(error, call), retry_in=retry_in)))

    def wait(self, node: str, waits: Waits | None = None) -> int:
        """Run the step until it waits: by itself, for whatever comes. Returns the attempt's number."""
        number = self.claim(node)
        self.do(lambda d: finish(d, Finished(node, number, waits or Waits())))
        return number

    def ask(self, node: str, *approvers: str, need: str = "any", seconds: float | None = None) -> int:
        """Run the approval until it waits for these people. Returns the attempt's number."""
        return self.wait(node, Waits(seconds, approval=Approval(approvers, need)))

    def answer(self, node: str, yes: bool, *names: str) -> None:
        """Somebody of these names answers the approval."""
        self.do(lambda d: answer(d, act(), node, yes, frozenset(names)))

    def call_back(self, node: str, issue: int | None = None) -> None:
        """The outside system calls: the present address, or that of ``issue``."""
        step = self.steps[node]
        self.do(lambda d: call_back(d, node, step.key_salt if issue is None else issue, "{}"))

    def pass_time(self, node: str) -> bool:
        """Until the wait of the step is over."""
        step = self.steps[node]
        self.now = max(self.now, step.wakes_at or 0.0)
        return self.do(lambda d: time_is_up(d, node, step.attempt))

    def begin_inner(self, block: str, node: str) -> int:
        """The worker that runs the block goes on with this step inside it. Returns the attempt's number."""
        own = next(attempt for attempt in reversed(self.attempts) if attempt.node == block)
        return self.do(lambda d: begin_inner(d, own, node))[0].attempt

    def end_inner(self, block: str, node: str, outcome: Ended | None = None, retry_in: float | None = None) -> None:
        """The step inside the block has come to that; to success unless told."""
        outcome = outcome or Success("{}")
        number, attempt = self.steps[block].attempt, self.steps[node].attempt
        done = Finished(node, attempt, outcome, retry_in=retry_in)
        self.do(lambda d: end_inner(d, block, number, done, outcome))

    def run_inner(self, block: str, *nodes: str) -> None:
        """Run these steps inside the block, which is running, to success."""
        for node in nodes:
            self.begin_inner(block, node)
            self.end_inner(block, node)

    def run(self, *nodes: str) -> None:
        """Run these steps to success, in this order."""
        for node in nodes:
            self.succeed(node)

    def plan(self, action: Action, node: str | None = None, onto: options.Onto | None = None) -> Plan:
        """What the act would run now, on that version if one is named."""
        draft = Draft(self.request, self.steps, self.graph, self.now, told=False)
        return options.rehearse(draft, action, node, onto=onto)

    def history(self) -> History:
        """All that happened, as an audit reads it: texts and facts as a database gives them back."""
        first = Event(1, events.SUBMITTED, self.request.created_at, data={"version": 1})
        told = [event._replace(data=event.data and json.loads(json.dumps(event.data))) for event in self.events]
        return History(self.request, tuple(self.steps.values()), tuple(self._details()), (first, *told))

    def _details(self) -> Iterator[AttemptDetail]:
        for start in self.attempts:
            key = (start.node, start.number)
            end = self.ends.get(key)
            yield AttemptDetail(start, self.keys.get(key), end and end._replace(late=self.late.get(key)))

    def statuses(self, nodes: Iterable[str] | None = None) -> dict[str, str]:
        """Status of each step by node."""
        return {node: self.steps[node].status.value for node in (nodes or self.steps)}

    @property
    def due(self) -> list[str]:
        """What a worker may take, now or once its time has come."""
        due = (StepStatus.READY, StepStatus.WAITING)
        return [n for n, s in self.steps.items() if s.status in due and s.due_at is not None]

    @property
    def status(self) -> str:
        return self.request.status.value


def act(**facts: Any) -> Act:
    """An act of Hanna's."""
    return Act("Hanna Lead", "slack:T1/U1", "slack", **facts)


__all__ = ["FAILURE", "MemoryRequest", "act", "graph"]
