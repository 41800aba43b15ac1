"""Two people, a worker and an unreliable world against one request, in any order; a plain model says what must come.

Everything goes through the real door, onto a real database. The model is tests/support/paper.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from typing import TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.engine import VERA, Room
from tests.support.hands import Hands, Held, outside_by_hand
from tests.support.paper.acts import Command
from tests.support.paper.execute import ANSWERS
from tests.support.paper.shape import APPROVAL, CALLBACK, Shape
from tests.support.paper.shapes import versions
from tests.support.stage import Stage, play, play_for
from tests.support.trial import PEOPLE, TYPED, Address, Given, Planned, Seen, Trial

T = TypeVar("T")

STEP_ACTS = ("retrigger", "flow", "input")
ACTS = (*STEP_ACTS, "continue", "withdraw")
LONG = 240.0  # seconds on each database: `make chaos` is to be something that a person runs
HOWS = st.sampled_from([*ANSWERS, "ok", "ok", "ok"])
ANYBODY = {**PEOPLE, VERA.name: VERA}
WHO = st.sampled_from(sorted(PEOPLE))
TYPING = st.one_of(st.integers(1, 2), st.sampled_from(sorted(TYPED)))


class TwoPeople(RuleBasedStateMachine):
    stage: Stage

    def __init__(self) -> None:
        super().__init__()
        self.stage.begin_sequence()
        self.ids = itertools.count(1)
        self.trial: Trial | None = None
        self.hands: Hands | None = None

    @initialize(shapes=versions(), hows=st.lists(HOWS, max_size=8))
    def submit(self, shapes: list[Shape], hows: list[str]) -> None:
        self.hands = Hands(self.stage.room, self.stage.outside)
        self.hands.wipe()
        self.trial = self.stage.trial(self.hands, shapes)
        self.seen: dict[str, Seen] = dict.fromkeys(PEOPLE, self.trial.seen())
        self.plans: dict[str, Planned] = {}
        self.addresses: list[Address] = []
        self.run(hows)

    @property
    def it(self) -> Trial:
        assert self.trial is not None
        return self.trial

    def is_over(self) -> bool:
        paper = self.it.paper
        return paper.final or not (paper.moving() or self.offers())

    @precondition(is_over)
    @rule(shapes=versions(), hows=st.lists(HOWS, max_size=8))
    def next_request(self, shapes: list[Shape], hows: list[str]) -> None:
        """Nothing moves any more: another request."""
        self.teardown()
        self.submit(shapes, hows)

    # --- the worker and the world ---

    def taken(self) -> list[Held]:
        return [held for held in self.it.held if held.call is None]

    def calls(self) -> list[Held]:
        return [held for held in self.it.held if held.call is not None]

    def is_due(self) -> bool:
        return bool(self.it.paper.due())

    def waits(self) -> bool:
        return any(step.status == "waiting" and not step.due for step in self.it.paper.steps.values())

    @precondition(lambda self: self.is_due() or self.waits())
    @rule(hows=st.lists(HOWS, min_size=1, max_size=6))
    def run(self, hows: list[str]) -> None:
        """Some steps, one after another, from the claim to the outcome; what waits for its time need not wait."""
        for how in hows:
            if self.waits() and not self.is_due():
                self.it.time_passes()
            for held in self.it.claim(1):
                self.it.start(held, reachable=True)
                while held.call is not None:
                    self.it.answer(held, how)

    run_more = run

    @precondition(is_due)
    @rule(most=st.integers(1, 3))
    def claim(self, most: int) -> None:
        self.it.claim(most)

    @precondition(lambda self: self.taken())
    @rule(data=st.data(), reachable=st.sampled_from([True, True, True, False]))
    def start(self, data: st.DataObject, reachable: bool) -> None:
        self.it.start(self._one(data, self.taken()), reachable)

    @precondition(lambda self: self.calls())
    @rule(data=st.data(), how=HOWS, twice=st.booleans())
    def answer(self, data: st.DataObject, how: str, twice: bool) -> None:
        self.it.answer(self._one(data, self.calls()), how, twice)

    @precondition(lambda self: self.it.held)
    @rule(data=st.data(), deaths=st.sampled_from([1, 1, 2, 6]), called=st.booleans())
    def lose(self, data: st.DataObject, deaths: int, called: bool) -> None:
        """The worker dies, and those that take over die as well."""
        held = self._one(data, self.it.held)
        for _ in range(deaths - 1):
            self.it.lose(held)
            self.it.time_passes()
            taken = [new for new in self.it.claim(1) if new.node == held.node]
            if not taken:
                return
            held = taken[0]
            if called:
                self.it.start(held, reachable=True)
        self.it.lose(held)

    @precondition(lambda self: self.it.held)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        self.it.give_back(self._one(data, self.it.held))

    @precondition(waits)
    @rule()
    def time_passes(self) -> None:
        self.it.time_passes()

    # --- people ---

    @rule(who=WHO)
    def look(self, who: str) -> None:
        """A person opens the Progress Path; their buttons are those of now."""
        self.seen[who] = self.it.seen()

    def offers(self) -> list[tuple[str, str]]:
        return self.it.offers()

    @precondition(lambda self: self.offers())
    @rule(data=st.data(), who=WHO)
    def mend(self, data: st.DataObject, who: str) -> None:
        """A person takes one of the acts that are offered, and is sure of it."""
        action, node = data.draw(st.sampled_from(self.offers()))
        self._give(data, who, action, node, sure=True)

    @precondition(lambda self: self.offers() and self.offers()[0][0] == "retrigger")
    @rule(data=st.data(), who=WHO, hows=st.lists(HOWS, min_size=1, max_size=2))
    def alone(self, data: st.DataObject, who: str, hows: list[str]) -> None:
        """A person re-triggers a step alone, and it runs, perhaps beside others."""
        steps = [node for action, node in self.offers() if action == "retrigger"]
        self._give(data, who, "retrigger", self._one(data, steps), sure=True)
        self.agree()
        self.run(hows)

    @precondition(lambda self: self.offers())
    @rule(data=st.data(), who=WHO)
    def click(self, data: st.DataObject, who: str) -> None:
        """The same with an old button or an old plan, or without a reason."""
        action, node = data.draw(st.sampled_from(self.offers()))
        self._give(data, who, action, node, sure=False)

    @precondition(lambda self: self.offers())
    @rule(data=st.data(), who=WHO, new_key=st.booleans())
    def plan(self, data: st.DataObject, who: str, new_key: bool) -> None:
        """A person is told what an act would run, and acts on it later."""
        action, node = data.draw(st.sampled_from(self.offers()))
        again = action in ("retrigger", "flow")
        version = self._version(data, sure=False) if again else None
        plan = self.it.plan(Command(who, action, node, new_key=new_key and again, version=version))
        if plan is not None:
            self.plans[who] = plan

    @rule(data=st.data(), who=WHO, action=st.sampled_from(ACTS), sure=st.booleans())
    def anything(self, data: st.DataObject, who: str, action: str, sure: bool) -> None:
        """A person tries something, offered or not, after a look at what it would run."""
        node = data.draw(st.sampled_from([*self.it.paper.steps, "nowhere"])) if action in STEP_ACTS else ""
        if action == "withdraw" and data.draw(st.integers(0, 5)) != 3:
            sure = False
        if node != "nowhere":
            self.it.plan(Command(who, action, node))
        self._give(data, who, action, node, sure)

    @precondition(lambda self: self.it.given)
    @rule(data=st.data())
    def again(self, data: st.DataObject) -> None:
        """The same command a second time."""
        self.it.give(self._one(data, self.it.given))

    def asked(self) -> list[str]:
        return [step.node for step in self.it.paper.steps.values() if step.kind in (APPROVAL, CALLBACK)]

    @precondition(lambda self: self.asked())
    @rule(data=st.data(), who=st.sampled_from(sorted(ANYBODY)), yes=st.booleans(), old=st.booleans())
    def approve(self, data: st.DataObject, who: str, yes: bool, old: bool) -> None:
        """An approver answers, or somebody who is none; and not every step is an approval."""
        node = self._one(data, self.asked())
        seen = self.seen.get(who, {}) if old else self.it.seen()
        self.it.approve(ANYBODY[who], node, yes, seen.get(node))

    @precondition(lambda self: self.asked())
    @rule(data=st.data(), typed=TYPING, old=st.booleans())
    def call_back(self, data: st.DataObject, typed: int | str, old: bool) -> None:
        """The outside calls an address that it was given, now or long ago."""
        nodes = [node for node in self.asked() if self.it.paper.steps[node].kind == CALLBACK]
        if not nodes:
            return
        self.addresses.append(self.it.address(self._one(data, nodes)))
        self.it.call_back(self._one(data, self.addresses) if old else self.addresses[-1], typed)

    def _give(self, data: st.DataObject, who: str, action: str, node: str, sure: bool) -> None:
        new_key = ticked = old = False
        version: int | None = None
        typed: int | str = 1
        reason: str | None = "because"
        if action in ("retrigger", "flow"):
            new_key = data.draw(st.sampled_from([False, False, True]), "new key")
            version = self._version(data, sure)
            ticked = data.draw(st.booleans(), "ticked") if action == "retrigger" or not sure else False
        if action == "input":
            typed = data.draw(st.integers(1, 2) if sure else TYPING, "typed")
        if not sure:
            reason = data.draw(st.sampled_from([None, "because"]), "reason")
            old = data.draw(st.booleans(), "old")
        own = f"{self.it.number}-{next(self.ids)}-{self.stage.sequences}"
        command = Command(who, action, node, ticked, new_key, reason, False, version, typed=typed, id=own)
        if action != "withdraw":  # who is sure ticks what they are asked for, and nothing else
            ticks = self.it.asks(command) if sure else data.draw(st.booleans(), "confirmed")
            command = command._replace(confirmed=ticks)
        seen = (self.seen[who] if old else self.it.seen()).get(node, 0)
        plan = self.plans.get(who) if action != "withdraw" else None
        if plan is not None and not old and plan.state != self.it.state():
            plan = None
        self.it.give(Given(command, seen, plan))

    def _version(self, data: st.DataObject, sure: bool) -> int | None:
        """Another version, if there are any, or one that there is not."""
        known = list(self.it.paper.shapes)
        some = [None, None, *known, *([] if sure else [known[-1] + 1])]
        return data.draw(st.sampled_from(some), "version") if known[1:] else None

    @staticmethod
    def _one(data: st.DataObject, options: list[T]) -> T:
        return options[data.draw(st.integers(0, len(options) - 1))]

    # --- always ---

    @invariant()
    def agree(self) -> None:
        if self.trial is not None:
            self.trial.compare()

    def teardown(self) -> None:
        if self.hands is not None:
            self.hands.close(self.trial.held if self.trial else [])
        if self.trial is not None:
            self.trial.audit()


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    url = request.getfixturevalue(f"{request.param}_url")
    with closing(Room(url)) as room, outside_by_hand() as outside:
        yield Stage(room, outside)


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_engine_and_model_agree(stage: Stage) -> None:
    play(TwoPeople, stage, examples=50, steps=50)


@pytest.mark.postgres
@pytest.mark.parametrize("stage", ["postgres"], indirect=True)
def test_engine_and_model_agree_on_postgresql(stage: Stage) -> None:
    play(TwoPeople, stage, examples=8, steps=40)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("stage", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_engine_and_model_agree_for_long(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    play_for(TwoPeople, stage, LONG, steps=60)
    with capsys.disabled():
        print(f"\n{stage.told()}")  # noqa: T201  # what a green run has seen
