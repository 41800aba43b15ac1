"""Two people, a worker and an unreliable world against one request, in any order; a plain model says what must come.

Everything goes through the real door, onto a real database. The model is tests/support/paper.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support.engine import Room
from tests.support.hands import Hands, Outside, outside_by_hand
from tests.support.paper.acts import Command
from tests.support.paper.shape import Shape
from tests.support.paper.shapes import BY_HAND, random_shapes
from tests.support.paper.work import ANSWERS
from tests.support.trial import PEOPLE, TYPED, Given, Seen, Trial

T = TypeVar("T")

KINDS = ("action", "action", "function", "decision", "branch", "merge")
STEP_ACTS = ("retrigger", "flow", "input")
ACTS = (*STEP_ACTS, "continue", "withdraw")


HOWS = st.sampled_from([*ANSWERS, "ok", "ok"])
WHO = st.sampled_from(sorted(PEOPLE))
SHAPES = st.one_of(st.sampled_from(BY_HAND), random_shapes(KINDS))


class Stage:
    """The room and the outside that all examples of a run share, and what was published in it."""

    def __init__(self, room: Room, outside: Outside) -> None:
        self.room, self.outside = room, outside
        self._names: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self.sequences = 0

    def publish(self, shape: Shape) -> str:
        """The name under which a shape is published, each once."""
        text = shape.definition("w")
        if text not in self._names:
            self._names[text] = f"w{next(self._numbers)}"
            self.room.publish(shape.definition(self._names[text]))
        return self._names[text]


class TwoPeople(RuleBasedStateMachine):
    stage: Stage

    def __init__(self) -> None:
        super().__init__()
        self.stage.sequences += 1
        self.seen: dict[str, Seen] = {}
        self.plans: dict[str, tuple[str, Seen]] = {}
        self.ids = itertools.count(1)
        self.trial: Trial | None = None
        self.hands: Hands | None = None

    @initialize(shape=SHAPES, hows=st.lists(HOWS, max_size=8))
    def submit(self, shape: Shape, hows: list[str]) -> None:
        self.hands = Hands(self.stage.room, self.stage.outside)
        self.hands.wipe()
        self.trial = Trial(self.stage.room, self.hands, self.stage.publish(shape), {1: shape})
        self.seen = dict.fromkeys(PEOPLE, self.trial.seen())
        self.run(hows)

    @property
    def it(self) -> Trial:
        assert self.trial is not None
        return self.trial

    # --- the worker and the world ---

    def has_due(self) -> bool:
        return bool(self.it.paper.due())

    def has_taken(self) -> bool:
        return any(held.call is None for held in self.it.held)

    def has_calls(self) -> bool:
        return any(held.call is not None for held in self.it.held)

    def has_running(self) -> bool:
        return bool(self.it.held)

    def waits(self) -> bool:
        return any(step.status == "waiting" and not step.due for step in self.it.paper.steps.values())

    @precondition(lambda self: self.has_due() or self.waits())
    @rule(hows=st.lists(HOWS, min_size=1, max_size=6))
    def run(self, hows: list[str]) -> None:
        """Some steps, one after another, from the claim to the outcome; what waits for its time need not wait."""
        for how in hows:
            if self.waits() and not self.has_due():
                self.it.time_passes()
            for held in self.it.claim(1):
                self.it.start(held, reachable=True)
                if held in self.it.held:
                    self.it.answer(held, how)

    @precondition(has_due)
    @rule(most=st.integers(1, 3))
    def claim(self, most: int) -> None:
        self.it.claim(most)

    @precondition(has_taken)
    @rule(data=st.data(), reachable=st.sampled_from([True, True, True, False]))
    def start(self, data: st.DataObject, reachable: bool) -> None:
        self.it.start(self._one(data, [held for held in self.it.held if held.call is None]), reachable)

    @precondition(has_calls)
    @rule(data=st.data(), how=HOWS, twice=st.booleans())
    def answer(self, data: st.DataObject, how: str, twice: bool) -> None:
        self.it.answer(self._one(data, [held for held in self.it.held if held.call is not None]), how, twice)

    @precondition(has_running)
    @rule(data=st.data(), deaths=st.sampled_from([1, 1, 2, 6]), called=st.booleans())
    def lose(self, data: st.DataObject, deaths: int, called: bool) -> None:
        """The worker dies, and those that take over die as well."""
        held = self._one(data, self.it.held)
        node = held.node
        for _ in range(deaths - 1):
            self.it.lose(held)
            self.it.time_passes()
            taken = [new for new in self.it.claim(1) if new.node == node]
            if not taken:
                return
            held = taken[0]
            if called:
                self.it.start(held, reachable=True)
        self.it.lose(held)

    @precondition(has_running)
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
        paper = self.it.paper
        found = [(action, step.node) for step in paper.steps.values() for action in paper.step_actions(step)]
        return found + [(action, "") for action in paper.actions() if action != "withdraw"]

    def has_offers(self) -> bool:
        return bool(self.offers())

    @precondition(has_offers)
    @rule(data=st.data(), who=WHO)
    def mend(self, data: st.DataObject, who: str) -> None:
        """A person takes one of the acts that are offered, and is sure of it."""
        self._give(data, who, *data.draw(st.sampled_from(self.offers())), stale=False, sure=True)

    @precondition(has_offers)
    @rule(data=st.data(), who=WHO, stale=st.booleans())
    def offered(self, data: st.DataObject, who: str, stale: bool) -> None:
        """The same, perhaps with an old button, and without a reason."""
        self._give(data, who, *data.draw(st.sampled_from(self.offers())), stale=stale, sure=False)

    @precondition(has_offers)
    @rule(data=st.data(), who=WHO, new_key=st.booleans())
    def plan(self, data: st.DataObject, who: str, new_key: bool) -> None:
        """A person is told what an act would run, and acts on it later."""
        action, node = data.draw(st.sampled_from(self.offers()))
        plan = self.it.plan(Command(who, action, node, new_key=new_key and action in ("retrigger", "flow")))
        assert plan is not None
        self.plans[who] = plan

    @rule(data=st.data(), who=WHO, action=st.sampled_from(ACTS), sure=st.booleans())
    def anything(self, data: st.DataObject, who: str, action: str, sure: bool) -> None:
        """A person tries something, offered or not, after a look at what it would run."""
        node = data.draw(st.sampled_from([*self.it.paper.steps, "nowhere"])) if action in STEP_ACTS else ""
        if node != "nowhere" and (action != "withdraw" or self.it.paper.final):
            self.it.plan(Command(who, action, node))
        self._give(data, who, action, node, stale=False, sure=sure)

    @precondition(lambda self: not self.it.paper.final)
    @rule(who=WHO, luck=st.integers(0, 9))
    def withdraw(self, who: str, luck: int) -> None:
        reason = "not wanted any more" if luck == 7 else None
        self.it.give(Given(Command(who, "withdraw", reason=reason, id=self._id())))

    @precondition(lambda self: self.it.given)
    @rule(data=st.data())
    def again(self, data: st.DataObject) -> None:
        """The same command a second time."""
        self.it.give(self._one(data, self.it.given))

    @precondition(lambda self: self.it.paper.final)
    @rule(shape=SHAPES, hows=st.lists(HOWS, max_size=8))
    def next_request(self, shape: Shape, hows: list[str]) -> None:
        """Nothing moves any more: another request."""
        self.teardown()
        self.submit(shape, hows)

    def _give(self, data: st.DataObject, who: str, action: str, node: str, stale: bool, sure: bool) -> None:
        new_key = ticked = False
        typed: int | str = 1
        if action in ("retrigger", "flow"):
            new_key = data.draw(st.sampled_from([False, False, True]), "new key")
            ticked = data.draw(
                st.booleans() if action == "retrigger" else st.sampled_from([False] * 7 + [True]), "ticked"
            )
        if action == "input":
            typed = data.draw(st.one_of(st.integers(1, 2), st.sampled_from(sorted(TYPED))), "typed")
        reason = data.draw(st.sampled_from([None, "because"]), "reason") if not sure else "because"
        confirmed = sure or data.draw(st.sampled_from([False, False, True]), "confirmed")
        plan = self.plans.get(who) if data.draw(st.integers(0, 3), "as planned") == 0 else None
        if action == "withdraw" and not self.it.paper.final:
            return
        command = Command(who, action, node, ticked, new_key, reason, confirmed, typed=typed, id=self._id())
        seen = (self.seen[who] if stale else self.it.seen()).get(node, 0) if action in STEP_ACTS else None
        self.it.give(Given(command, seen, plan))

    def _id(self) -> str:
        return f"{self.it.number}-{next(self.ids)}-{self.stage.sequences}"

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


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    room = Room(request.getfixturevalue(f"{request.param}_url"))
    with outside_by_hand() as outside:
        yield Stage(room, outside)
    room.close()


def play(stage: Stage, examples: int, steps: int) -> None:
    class OnThisStage(TwoPeople):
        pass

    OnThisStage.stage = stage
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(OnThisStage, settings=chosen)


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_engine_and_model_agree(stage: Stage) -> None:
    play(stage, examples=60, steps=50)


@pytest.mark.postgres
@pytest.mark.parametrize("stage", ["postgres"], indirect=True)
def test_engine_and_model_agree_on_postgresql(stage: Stage) -> None:
    play(stage, examples=10, steps=40)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_engine_and_model_agree_for_long(stage: Stage) -> None:
    play(stage, examples=5000, steps=60)
