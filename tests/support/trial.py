"""One request, twice: in the engine, and on paper. Whatever is done is done to both, and they must agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from engine.allowed import Action
from engine.decide.act import Accepted
from engine.decide.finish import Finished
from engine.documents import RequestDocument, StepDocument
from engine.errors import InvalidInput, RetriggerError
from engine.permissions import Actor
from tests.support.engine import HANNA, Room
from tests.support.hands import Hands, Held
from tests.support.ledger import Ledger
from tests.support.paper import acts, block, work
from tests.support.paper.acts import Command
from tests.support.paper.definition import APPROVERS
from tests.support.paper.shape import SYNC, Place, Shape
from tests.support.paper.state import Intent, PaperRequest, PaperStep
from tests.support.paper.versions import forgotten, lacks

OMAR = Actor("cli:omar", "Omar Admin", "api", mail="omar@example.com", owner=True)
PEOPLE = {HANNA.name: HANNA, OMAR.name: OMAR}
NO_JSON, NO_FIT = "no JSON", "does not fit"
TYPED = {NO_JSON: '{"n": 1', NO_FIT: '{"m": 1}'}


_LINES = {
    "retrigger": "retriggered",
    "flow": "retriggered_flow",
    "input": "input_provided",
    "continue": "continued",
    "withdraw": "withdrawn",
}

Expected = work.Outcome | Place | None

Seen = dict[str, int]  # the version of each step, and of the request under "", as somebody saw them


class Planned(NamedTuple):
    """A plan's digest, and what it was made from: the workflow's version, and that of each step."""

    digest: str
    state: tuple[int, ...]


class Given(NamedTuple):
    """A command as it was given. ``seen``: the version on the button, of the step or of the request."""

    command: Command
    seen: int | None = None
    plan: Planned | None = None


class Address(NamedTuple):
    """Where a callback is called; ``issue``: what it was made of."""

    node: str
    issue: tuple[int, int]
    token: str


class Trial:
    """``paper`` is the model. ``hands``: claims that nobody has ended yet, the late ones too."""

    def __init__(self, room: Room, hands: Hands, name: str, shapes: dict[int, Shape]) -> None:
        self.room, self.hands = room, hands
        self.paper = PaperRequest(shapes)
        self.number = room.submit(name)
        self.held: list[Held] = []
        self.alone = False  # the worker took a step that must run alone
        self._told: Command | None = None  # the act that the audit must have gained a line for
        self._unchanged: str | None = None  # why nothing may have changed
        self.ledger = Ledger()
        self.keys: dict[Intent, str] = {}
        self.given: list[Given] = []
        self.doc = self.document()

    # --- what the engine says -----------------------------------------------------------------------------------

    def document(self) -> RequestDocument:
        return self.room.document(self.number)

    def seen(self) -> Seen:
        """The version of each step and of the request now."""
        return {step.node: step.version for step in self.doc.steps} | {"": self.doc.revision}

    def state(self) -> tuple[int, ...]:
        """What plans are bound to."""
        return (self.doc.version, *(step.version for step in self.doc.steps))

    # --- the worker ---------------------------------------------------------------------------------------------

    def claim(self, most: int) -> list[Held]:
        """The worker takes due steps: any of them, but a step whose workers died runs alone (SPEC 3.2)."""
        due = self.paper.due()
        risky = [step.node for step in due if step.recoveries >= 2]
        running = self.hands.busy = len(self.paper.running())
        if any(step.status == "waiting" for step in self.paper.steps.values()):
            self._stop_the_clock()
        taken = self.hands.claim(most)
        nodes = [held.node for held in taken]
        if (self.alone or risky) and running:
            assert not nodes, f"{nodes} beside a step that must run alone"
        elif risky:
            assert len(nodes) == 1 and nodes[0] in risky, f"took {nodes}, while {risky} must run alone"
        else:
            assert len(nodes) == min(most, len(due)), f"took {nodes} of {[s.node for s in due]}"
        if nodes:
            self.alone = bool(risky)
        for held in taken:
            attempt = work.claim(self.paper, held.node)
            assert attempt.number == held.number
        self.held += taken
        return taken

    def _stop_the_clock(self) -> None:
        if any(step.status == "waiting" and not step.due for step in self.paper.steps.values()):
            self.hands.stop_the_clock()

    def start(self, held: Held, reachable: bool) -> None:
        """The worker executes a step that it has taken."""
        shape, place = self._place(held)
        current = work.is_current(self.paper, held.node, held.number)
        done = self.hands.start(held, reachable)
        outcome: Expected
        if place.kind == SYNC:
            ran = block.run(self.paper, held.node, held.number, shape, reachable) if current else None
            outcome = self._inside(held, place, ran)
        elif current:
            outcome = work.begin(self.paper, place, shape, reachable) or place
        else:
            outcome = work.begin_late(self.paper, place, shape)
        self._follow(held, done, outcome)

    def answer(self, held: Held, how: str, twice: bool = False) -> None:
        """The outside answers the call of a step, and the worker goes on, or hands in what that comes to."""
        shape, place = self._place(held)
        call = held.call
        assert call is not None
        done = self.hands.answer(held, how)
        kind = place.kind if held.inner is None else place.inner[held.inner[0]].kind
        outcome: Expected = work.answered(kind, how)
        assert isinstance(outcome, work.Outcome)
        self.ledger.answered(call, outcome.call)
        if held.inner is not None:
            ran = block.answered(self.paper, held.node, held.number, shape, *held.inner, outcome)
            outcome = self._inside(held, place, ran)
        self._follow(held, done, outcome, twice)

    def _place(self, held: Held) -> tuple[Shape, Place]:
        """What the attempt runs: in the version that it was claimed in."""
        shape = self.paper.shapes[held.claim.attempt.workflow_version]
        return shape, shape.places[held.node]

    def _inside(self, held: Held, place: Place, ran: work.Outcome | int | None) -> Expected:
        """A block has ended, or been lost, or this step inside it has made its call."""
        if not isinstance(ran, int):
            return ran
        inner = place.inner[ran]
        held.inner = (ran, len(self.paper.steps[inner.id].tries))
        return inner

    def _follow(self, held: Held, done: Finished | None, outcome: Expected, twice: bool = False) -> None:
        """What the worker came to must be what was expected: a call (of this place), an outcome, or nothing."""
        if held.call is not None:
            assert isinstance(outcome, Place), f"{held.call.node} called: {outcome}"
            assert held.call.node == outcome.id
            self.ledger.arrived(held.call, held.claim.step.visit)
            intent = self.paper.steps[outcome.id].tries[-1].intent
            assert intent and intent[3] == f"{outcome.kind} {held.call.body['seen']} {held.call.body['body']}"
            return
        self.held.remove(held)
        if outcome is None:
            assert done is None, f"it was lost, and yet {done}"
            return
        assert done is not None and isinstance(outcome, work.Outcome), f"{held.node}: {done} instead of {outcome}"
        for _ in range(1 + twice):  # the answer to the commit may be lost: it is stored once all the same
            counted = self.hands.hand_in(held, done)
        assert counted == work.finish(self.paper, held.node, held.number, outcome)

    def lose(self, held: Held) -> None:
        """The worker of an attempt is taken for dead. Its thread may still come back with a result."""
        assert self.hands.lose(held) == work.lose(self.paper, held.node, held.number)

    def give_back(self, held: Held) -> None:
        assert self.hands.give_back(held) == work.give_back(self.paper, held.node, held.number)

    def time_passes(self) -> None:
        """What waits for its time is due or over."""
        waking = self.hands.time_passes()
        work.time_passes(self.paper)
        assert {node for _, node, _ in waking} == set(work.wakes(self.paper))
        for request_id, node, attempt in waking:
            self.hands.wake(request_id, node, attempt)
            work.time_is_up(self.paper, node)

    # --- people -------------------------------------------------------------------------------------------------

    def give(self, given: Given) -> None:
        """A person's command: accepted exactly when nothing speaks against it, and told once if given twice."""
        command = self._as_it_stands(given)
        if command.id in self.paper.commands:
            assert self._send(given).repeated
            self._unchanged = "done before"
            return
        reasons = acts.refusals(self.paper, command)
        answer, refusal = _tried(lambda: self._send(given))
        if self._refused(answer, refusal, reasons):
            return
        assert answer is not None
        assert not answer.repeated
        if command.confirmed:
            self.ledger.confirmed({command.node, *acts.may_run(self.paper, acts.rehearsed(self.paper, command))})
        acts.carry_out(self.paper, command)
        self._told = command
        self.given.append(given)

    def _as_it_stands(self, given: Given) -> Command:
        """With what has become of the button and of the plan."""
        now = self.seen()
        late = given.seen is not None and given.seen != now.get(given.command.node, 0)
        outdated = given.plan is not None and given.plan.state != self.state()
        return given.command._replace(late=late, outdated=outdated)

    def _send(self, given: Given) -> Accepted:
        command, engine = given.command, self.room.engine
        common: dict[str, Any] = {"reason": command.reason, "command_id": command.id, "expect_version": given.seen}
        if command.action != "withdraw":
            common |= {"confirmed": command.confirmed, "plan_digest": given.plan and given.plan.digest}
        actor = PEOPLE[command.by]
        if command.action == "withdraw":
            return engine.withdraw(actor, self.number, **common)
        if command.action == "continue":
            return engine.continue_flow(actor, self.number, **common)
        if command.action == "input":
            text = TYPED.get(str(command.typed), f'{{"n": {command.typed}}}')
            return engine.provide_input(actor, self.number, command.node, text, **common)
        return engine.retrigger(
            actor,
            self.number,
            command.node,
            flow=command.action == "flow",
            update_status=command.ticked,
            new_key=command.new_key,
            version=command.version,
            **common,
        )

    def plan(self, command: Command) -> Planned | None:
        """What a person is told before they confirm; None when the act is refused."""
        known = command.version in (None, *self.paper.shapes)
        lacking = (
            known
            and command.version is not None
            and lacks(self.paper, command.version, command.node, command.action == "flow")
        )
        offers = self.paper.step_actions(self.paper.steps[command.node]) if command.node else self.paper.actions()
        asked = Action(command.action), command.node or None, command.new_key, command.version
        if command.action not in offers or lacking or not known:
            with pytest.raises(RetriggerError):
                self.room.engine.plan(PEOPLE[command.by], self.number, *asked)
            return None
        plan = self.room.engine.plan(PEOPLE[command.by], self.number, *asked)
        repeats = set(acts.repeated(self.paper, command))
        assert {run.node for run in plan.runs if run.repeats} == repeats
        assert plan.needs_confirmation == bool(repeats or forgotten(self.paper, command.version))
        runs = acts.may_run(self.paper, acts.rehearsed(self.paper, command))
        assert [run.node for run in plan.runs] == runs
        return Planned(plan.digest, self.state())

    def approve(self, who: Actor, node: str, yes: bool, seen: int | None) -> None:
        """A person answers an approval."""
        late = seen is not None and seen != self.seen().get(node, 0)
        reasons = acts.answer_refusals(self.paper, who.name, node, yes, late, who.mail in APPROVERS)
        answer, refusal = _tried(lambda: self.room.engine.answer(who, self.number, node, yes, expect_version=seen))
        if self._refused(answer, refusal, reasons):
            return
        acts.answer(self.paper, who.name, node, yes, len(APPROVERS))

    def address(self, node: str) -> Address:
        """The present address of a callback."""
        url = self.room.engine.callback_url(HANNA, self.number, node)
        assert url is not None
        step = self.paper.steps[node]
        return Address(node, (step.visit, step.new_keys), url.rpartition("/")[2])

    def call_back(self, address: Address, typed: int | str) -> None:
        """The outside calls an address, perhaps an old one."""
        reasons = acts.call_refusals(self.paper, address.node, address.issue, typed)
        text = TYPED.get(str(typed), f'{{"n": {typed}}}')
        answer, refusal = _tried(lambda: self.room.engine.call_back(address.token, text))
        if not self._refused(answer, refusal, reasons):
            acts.call_back(self.paper, address.node, int(typed))

    def _refused(self, answer: Accepted | None, refusal: RetriggerError | None, reasons: set[str]) -> bool:
        if answer is None:
            assert _class(refusal) in reasons, f"{refusal!r}; there should be {reasons or 'no refusal'}"
            self._unchanged = f"refused: {refusal}"
            return True
        assert not reasons, f"should be refused with {reasons}"
        return False

    # --- comparing ----------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """The engine and the paper say the same, and what was, stays."""
        before, self.doc = self.doc, self.document()
        paper, doc = self.paper, self.doc
        assert doc.status.value == paper.status, (doc.status, doc.reason, paper.status, paper.reasons)
        if paper.status == "blocked":
            assert (doc.reason or "").startswith(paper.reasons), (doc.reason, paper.reasons)
        assert {step.node for step in doc.steps} == set(paper.steps)
        for step in doc.steps:
            told, expected = _told(step), _expected(paper, paper.steps[step.node])
            assert told == expected, _apart(step.node, told, expected)
        assert [a.value for a in doc.actions] == paper.actions()
        self._check_keys()
        _check_history(before, doc)
        _check_acts(doc, len(before.events), self._told)
        assert self._unchanged is None or _facts(before) == _facts(doc), self._unchanged
        self._told = self._unchanged = None
        self._check_rest()

    def _check_keys(self) -> None:
        """One key for one intended effect, and another for another (SPEC 4)."""
        for step in self.doc.steps:
            for attempt, paper in zip(step.attempts, self.paper.steps[step.node].tries, strict=True):
                if paper.intent is not None:
                    key = attempt.idempotency_key or ""
                    assert self.keys.setdefault(paper.intent, key) == key, f"another key for {paper.intent}"
        assert len(set(self.keys.values())) == len(self.keys), f"one key for two: {self.keys}"

    def _check_rest(self) -> None:
        """Nothing hangs, and nobody is at a loss (SPEC 3.5, 4)."""
        paper = self.paper
        assert not self.room.store.stuck()
        assert paper.status != "in_progress" or paper.moving(), "in progress with nothing to wait for"
        offers = [action for step in paper.steps.values() for action in paper.step_actions(step)]
        offers += [action for action in paper.actions() if action != "withdraw"]
        if paper.status == "blocked":
            assert offers or paper.moving(), "a dead end"
        if paper.final:
            assert not paper.moving(), f"{paper.status}, and yet {[s.node for s in paper.moving()]} may still run"


def _tried(ask: Callable[[], Accepted]) -> tuple[Accepted | None, RetriggerError | None]:
    try:
        return ask(), None
    except RetriggerError as refusal:
        return None, refusal


def _class(refusal: RetriggerError | None) -> str:
    return InvalidInput.__name__ if isinstance(refusal, InvalidInput) else type(refusal).__name__


def _told(step: StepDocument) -> dict[str, Any]:
    facts: dict[str, Any] = {name: getattr(step, name) for name in ("node", "kind", "visit", "held", "stale")}
    facts["status"] = step.status.value
    facts["call"] = step.call and step.call.value
    facts["budget"] = (step.retries, step.recoveries)
    facts["actions"] = [action.value for action in step.actions]
    facts["attempts"] = [
        (
            a.number,
            a.kind.value,
            a.visit,
            a.workflow_version,
            a.by,
            a.outcome and a.outcome.value,
            a.call and a.call.value,
            a.idempotency_key is not None,
            a.late is not None,
        )
        for a in step.attempts
    ]
    return facts


def _expected(paper: PaperRequest, step: PaperStep) -> dict[str, Any]:
    facts: dict[str, Any] = {name: getattr(step, name) for name in ("node", "kind", "visit", "held", "stale")}
    facts["status"] = step.status
    facts["call"] = step.call
    facts["budget"] = (step.retries, step.recoveries)
    facts["actions"] = paper.step_actions(step)
    facts["attempts"] = [
        (a.number, a.kind, a.visit, a.version, a.by, a.outcome, a.call, a.intent is not None, a.late)
        for a in step.tries
    ]
    return facts


def _apart(node: str, told: dict[str, Any], expected: dict[str, Any]) -> str:
    found = [f"{n}: engine {told[n]}, paper {expected[n]}" for n in told if told[n] != expected[n]]
    return f"{node}: " + "; ".join(found)


def _facts(doc: RequestDocument) -> Any:
    """All that a refusal must leave alone."""
    return (doc.status, doc.reason, doc.version, doc.actions, doc.steps)


def _check_acts(doc: RequestDocument, old: int, command: Command | None) -> None:
    """One act, one line in the audit, by the one who did it."""
    found = [(e.kind, e.by, e.reason) for e in doc.events[old:] if e.kind in _LINES.values()]
    assert found == ([] if command is None else [(_LINES[command.action], command.by, command.reason)])


def _check_history(before: RequestDocument, doc: RequestDocument) -> None:
    """Attempts and events are only added; a step that changed has another version."""
    assert doc.events[: len(before.events)] == before.events
    for old in before.steps:
        step = doc.step(old.node)
        assert step is not None
        for mine, its in zip(old.attempts, step.attempts, strict=False):
            told = {"outcome", "error", "call", "ended_at", "idempotency_key"} if mine.outcome is None else set()
            told |= {"late"} if mine.late is None else set()
            assert mine.model_dump(exclude=told) == its.model_dump(exclude=told)
        assert len(step.attempts) >= len(old.attempts)
        if _acted_on(old) != _acted_on(step):
            assert step.version > old.version, f"{step.node} changed from {old.status} to {step.status} unseen"


def _acted_on(step: StepDocument) -> Any:
    return step.model_dump(exclude={"version", "due_at", "actions", "attempts"})


__all__ = ["NO_FIT", "NO_JSON", "PEOPLE", "Given", "Trial"]
