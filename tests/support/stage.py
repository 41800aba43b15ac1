"""Where trials take place: one room and one outside for many requests."""

from __future__ import annotations

import itertools
import time
from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from engine.definition import DefinitionError
from tests.support.engine import Room
from tests.support.hands import Hands, Outside
from tests.support.paper.definition import definition
from tests.support.paper.shape import Shape
from tests.support.trial import Trial

_ROUND = 100  # sequences that are thrown together, of which a line tells


class Stage:
    """The room and the outside that all examples of a run share, and what was published in it."""

    def __init__(self, room: Room, outside: Outside) -> None:
        self.room, self.outside = room, outside
        self._names: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self.sequences = 0
        self._begun = time.monotonic()

    def begin_sequence(self) -> None:
        """Count another one; with -s, a long run says how far it is."""
        self.sequences += 1
        if self.sequences % _ROUND == 0:
            print(self.told())  # noqa: T201  # with -s

    def told(self) -> str:
        return f"{self.sequences:,} sequences in {self.seconds():,.0f} s"

    def seconds(self) -> float:
        """Since it was built."""
        return time.monotonic() - self._begun

    def trial(self, hands: Hands, shapes: list[Shape]) -> Trial:
        """A request on the first of these versions; the others are published while it runs."""
        first, *later = shapes
        name = self._name(first, new=bool(later))
        trial = Trial(self.room, hands, name, {1: first})
        for shape in later:  # one that changes nothing is no new version; one that leaves a step out of reach is none
            with suppress(DefinitionError):
                trial.paper.shapes[self.room.publish(definition(shape, name))] = shape
        return trial

    def _name(self, shape: Shape, new: bool) -> str:
        """The name under which a shape is published, each once unless ``new``."""
        text = definition(shape, "w")
        name = self._names.get(text)
        if name is None or new:
            name = f"w{next(self._numbers)}"
            self.room.publish(definition(shape, name))
            if not new:
                self._names[text] = name
        return name


def play(machine: type[RuleBasedStateMachine], stage: Stage, examples: int, steps: int) -> None:
    """Run a machine, whose attribute ``stage`` this is to be."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(type(machine.__name__, (machine,), {"stage": stage}), settings=chosen)


def play_for(machine: type[RuleBasedStateMachine], stage: Stage, seconds: float, steps: int) -> None:
    """The same in rounds, each with dice of its own, until so much time is over: how many a machine does is its own."""
    while stage.seconds() < seconds:
        play(machine, stage, examples=_ROUND, steps=steps)
