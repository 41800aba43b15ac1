"""One request, twice: in the engine, and on paper. Whatever is done is done to both, and they must agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from engine.audit.walk import walk
from engine.commands.documents import RequestDocument
from engine.errors import InvalidInput, NotFound, RetriggerError
from engine.rules.allowed import Action
from engine.rules.decide.act import Accepted
from engine.rules.permissions import Actor
from tests.support.compare import apart, check_acts, check_history, expected, facts, told
from tests.support.engine import HANNA, Room
from tests.support.hands import Hands
from tests.support.paper import acts
from tests.support.paper.acts import Command
from tests.support.paper.definition import APPROVERS
from tests.support.paper.shape import Shape
from tests.support.paper.state import Intent
from tests.support.paper.versions import forgotten, lacks
from tests.support.trial_work import AtWork

OMAR = Actor("cli:omar", "Omar Admin", "api", mail="omar@example.com", owner=True)
PEOPLE = {HANNA.name: HANNA, OMAR.name: OMAR}
NO_JSON, NO_FIT = "no JSON", "does not fit"
TYPED = {NO_JSON: '{"n": 1', NO_FIT: '{"m": 1}'}


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
    issue: int
    token: str


class Trial(AtWork):
    """Whatever is done is done to both, and they must agree."""

    def __init__(self, room: Room, hands: Hands, name: str, shapes: dict[int, Shape]) -> None:
        super().__init__(room, hands, name, shapes)
        self._told: Command | None = None  # the act that the audit must have gained a line for
        self._unchanged: str | None = None  # why nothing may have changed
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

    def offers(self) -> list[tuple[str, str]]:
        """Every act that is offered, with its step."""
        found = [(act, step.node) for step in self.paper.steps.values() for act in self.paper.step_actions(step)]
        return found + [(act, "") for act in self.paper.actions() if act != "withdraw"]

    def asks(self, command: Command) -> bool:
        """Whether the act needs the person's confirmation."""
        return acts.UNSURE in acts.refusals(self.paper, command)

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
        return Address(node, step.new_keys, url.rpartition("/")[2])

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
            said, wanted = told(step), expected(paper, paper.steps[step.node])
            assert said == wanted, apart(step.node, said, wanted)
        assert [a.value for a in doc.actions] == paper.actions()
        self._check_keys()
        check_history(before, doc)
        check_acts(doc, len(before.events), self._told)
        assert self._unchanged is None or facts(before) == facts(doc), self._unchanged
        self._told = self._unchanged = None
        self._check_rest()

    def audit(self) -> None:
        """The request is what its own history says."""
        if not self.moved_time:
            [audited] = walk(self.room.store, self.room.catalog.graph, [self.number])
            assert not audited.found, [difference.sentence for difference in audited.found]

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
        if paper.status == "blocked":
            assert self.offers() or paper.moving(), "a dead end"
        if paper.final:
            assert not paper.moving(), f"{paper.status}, and yet {[s.node for s in paper.moving()]} may still run"


def _tried(ask: Callable[[], Accepted]) -> tuple[Accepted | None, RetriggerError | None]:
    try:
        return ask(), None
    except RetriggerError as refusal:
        return None, refusal


def _class(refusal: RetriggerError | None) -> str:
    known = (kind for kind in (InvalidInput, NotFound) if isinstance(refusal, kind))
    return next(known, type(refusal)).__name__
