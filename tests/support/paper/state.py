"""What stands on the paper: the request, its steps, and every attempt."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.support.paper.shape import APPROVAL, CALLBACK, WORK, Place, Shape

MOVING = ("ready", "running", "waiting")
ENDED = ("completed", "failed")
FINAL = ("completed", "rejected", "withdrawn")
ANY = "any call"  # a person confirmed: good for the next call, whatever its key

Intent = tuple[str, int, int, str]  # one intended effect: step, visit, new keys asked for, the call as rendered


@dataclass
class Try:
    """One attempt. ``intent``: the effect its call was made for, once the call was about to leave."""

    number: int
    kind: str
    visit: int
    version: int
    by: str | None
    outcome: str | None = None
    call: str | None = None
    intent: Intent | None = None
    late: bool = False


@dataclass
class PaperStep:
    """One step. ``alone``: a step-only act is under way, with the box ``ticked`` or not; ``was``: what the step was
    before it. ``due``: a waiting step's time has come. ``by``: whose act it runs under."""

    node: str
    kind: str
    status: str = "pending"
    visit: int = 1
    outlet: str | None = None
    result: int | None = None
    held: bool = False
    stale: bool = False
    alone: bool = False
    ticked: bool = False
    was: str | None = None
    next_kind: str = "initial"
    retries: int = 0
    recoveries: int = 0
    due: bool = False
    open: bool = False  # waiting for a time, an answer or a call, rather than for its next try
    starts: int = 0  # how often it was made ready, by the flow or by a person
    by: str | None = None
    acted_on: bool = False  # by that person's act itself, not by the flow that came of it
    cancelled_by: str | None = None  # the end that did
    yes: set[str] = field(default_factory=set)  # who has approved, of those who all must
    early: int | None = None  # what it was called back with before it waited
    call: str | None = None  # what the last call is known to have done
    new_keys: int = 0  # and new addresses of a callback
    effect: Intent | None = None  # the latest call that may have taken effect
    allowed: Intent | str | None = None  # the other call that a person has confirmed since
    stopped: bool = False  # the last call was stopped before it left, for want of a confirmation
    tries: list[Try] = field(default_factory=list)

    @property
    def under_way(self) -> Try | None:
        """The attempt that is open."""
        return self.tries[-1] if self.status == "running" or self.open else None

    @property
    def may_have_had_effect(self) -> bool:
        """An earlier call may have taken effect, or the one that is under way may."""
        running = self.under_way
        return self.effect is not None or (running is not None and running.intent is not None)


class PaperRequest:
    """``shapes``: the published versions, by number. ``reasons``: what the reason may begin with, while Blocked.

    ``cut_off``: steps that another version put behind what is done, or that waited for one that ran alone: nothing
    wakes them but an act."""

    def __init__(self, shapes: dict[int, Shape], version: int = 1) -> None:
        self.shapes, self.version = shapes, version
        self.status = "in_progress"
        self.reasons: tuple[str, ...] = ()
        self.cut_off: set[str] = set()
        self.steps = {place.id: PaperStep(place.id, place.kind) for place in self.shape.rows()}
        self.steps[self.shape.start].status = "ready"
        self.commands: set[str] = set()
        self.last_act = ""  # that was accepted

    @property
    def shape(self) -> Shape:
        return self.shapes[self.version]

    @property
    def final(self) -> bool:
        return self.status in FINAL

    def present(self) -> list[PaperStep]:
        """The steps of the present version, in their order; a block stands for what is in it."""
        return [self.steps[place] for place in self.shape.places]

    def inside(self, node: str) -> list[PaperStep]:
        """The steps inside a block."""
        places: tuple[Place, ...] = self.shape.places[node].inner if node in self.shape.places else ()
        return [self.steps[inner.id] for inner in places]

    def moving(self) -> list[PaperStep]:
        return [step for step in self.steps.values() if step.status in MOVING]

    def running(self) -> list[PaperStep]:
        """What a worker holds."""
        return [s for s in self.steps.values() if s.status == "running" and s.node not in self.shape.block_of]

    def due(self) -> list[PaperStep]:
        """What a worker may take now."""
        return [s for s in self.steps.values() if s.status == "ready" or (s.status == "waiting" and s.due)]

    def step_actions(self, step: PaperStep) -> list[str]:
        """The three options (SPEC 4). A stale step's turn comes with Continue flow; a block is run as a whole."""
        asked = step.open and step.kind in (APPROVAL, CALLBACK)
        if self.final or step.stale or not (step.status in ("blocked", "failed") or asked):
            return []
        if step.node in self.shape.block_of:
            return []
        takes_input = step.status == "blocked" and step.kind in WORK
        return ["retrigger", "flow", *(["input"] if takes_input else [])]

    def actions(self) -> list[str]:
        """What the request itself offers."""
        offers = ["continue"] if self.can_continue() else []
        return offers if self.final or self.status == "failed" else [*offers, "withdraw"]

    def can_continue(self) -> bool:
        """Something is held; or the request is Blocked, no step is to blame, and nothing moves: something was lost."""
        if self.final:
            return False
        steps = self.steps.values()
        if any(step.held for step in steps):
            return True
        blocked = any(step.status == "blocked" and not step.stale for step in steps)
        return self.status == "blocked" and not blocked and not self.moving()
