"""One request, twice: in the engine, and on paper. The half of it that workers, the outside and time do."""

from __future__ import annotations

from engine.rules.decide.finish import Finished
from tests.support.engine import Room
from tests.support.hands import Hands, Held
from tests.support.ledger import Ledger
from tests.support.paper import block, execute, work
from tests.support.paper.shape import SYNC, Place, Shape
from tests.support.paper.state import PaperRequest

Expected = execute.Outcome | Place | None


class AtWork:
    """``paper`` is the model. ``held``: claims that nobody has ended yet, the late ones too."""

    def __init__(self, room: Room, hands: Hands, name: str, shapes: dict[int, Shape]) -> None:
        self.room, self.hands = room, hands
        self.paper = PaperRequest(shapes)
        self.number = room.submit(name)
        self.held: list[Held] = []
        self.alone = False  # the worker took a step that must run alone
        self.moved_time = False  # which no history tells of
        self.ledger = Ledger()

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
            self.moved_time = True
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
            outcome = execute.begin(self.paper, place, shape, reachable) or place
        else:
            outcome = execute.begin_late(self.paper, place, shape)
        self._follow(held, done, outcome)

    def answer(self, held: Held, how: str, twice: bool = False) -> None:
        """The outside answers the call of a step, and the worker goes on, or hands in what that comes to."""
        shape, place = self._place(held)
        call = held.call
        assert call is not None
        done = self.hands.answer(held, how)
        kind = place.kind if held.inner is None else place.inner[held.inner[0]].kind
        outcome: Expected = execute.answered(kind, how)
        assert isinstance(outcome, execute.Outcome)
        self.ledger.answered(call, outcome.call)
        if held.inner is not None:
            ran = block.answered(self.paper, held.node, held.number, shape, *held.inner, outcome)
            outcome = self._inside(held, place, ran)
        self._follow(held, done, outcome, twice)

    def _place(self, held: Held) -> tuple[Shape, Place]:
        """What the attempt runs: in the version that it was claimed in."""
        shape = self.paper.shapes[held.claim.attempt.workflow_version]
        return shape, shape.places[held.node]

    def _inside(self, held: Held, place: Place, ran: execute.Outcome | int | None) -> Expected:
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
        assert done is not None and isinstance(outcome, execute.Outcome), f"{held.node}: {done} instead of {outcome}"
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
        self.moved_time = True
        waking = self.hands.time_passes()
        work.time_passes(self.paper)
        assert {node for _, node, _ in waking} == set(work.wakes(self.paper))
        for request_id, node, attempt in waking:
            self.hands.wake(request_id, node, attempt)
            work.time_is_up(self.paper, node)
