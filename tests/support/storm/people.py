"""People who act on the requests of a storm, and the outside world that calls back: at random, twice, both at once.

The database may go away under each of them. Whoever is not told whether their act was stored asks again with the same
command; so what is noted in a Story is what the engine said it has done, once for each act.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeVar

from engine.commands.documents import RequestDocument, StepDocument
from engine.commands.service import Engine
from engine.errors import CallbackRefused, InvalidInput, NotAnApprover, NotPermitted, Refused, StorageError
from engine.rules.allowed import Action
from engine.rules.decide.act import Accepted
from engine.rules.permissions import Actor
from engine.rules.plan import Plan
from tests.support.storm.story import ANNA, NAME, PEOPLE, Said, Story, plot

T = TypeVar("T")

AGAIN = 0.1  # seconds until somebody whom the database did not answer asks again
BY_HAND = {"id": "acc-1", "tracking": "by hand"}
UNMADE = "cannot be rendered"  # how an error says that a step reads what was never made


def insist(do: Callable[[], T]) -> T:
    """Ask until the database answers."""
    while True:
        try:
            return do()
        except StorageError:
            time.sleep(AGAIN)


class Do(Protocol):
    """An act, but for who it is by, and its id."""

    def __call__(self, actor: Actor, /, *, command_id: str) -> Accepted: ...


class People:
    """``chance`` is theirs alone: each thread has its own people."""

    def __init__(self, engine: Engine, chance: random.Random) -> None:
        self._engine, self._chance = engine, chance

    def read(self, story: Story) -> RequestDocument:
        return insist(partial(self._engine.document, ANNA, story.number))

    def submit(self, number: int) -> Story:
        """A request; ``number`` tells it from the others."""
        input, key = plot(self._chance, number), uuid.uuid4().hex
        made, _ = insist(partial(self._engine.submit, ANNA, NAME, input, key=key))
        return Story(made, input["remote"], input["permits"], input["calls"])

    # --- at random ---------------------------------------------------------------------------------------------

    def meddle(self, story: Story) -> None:
        """One of the things that can be done now, or one that cannot."""
        document = self.read(story)
        options: list[tuple[float, Callable[[], object]]] = [(1, partial(self.call, story))]
        if Action.CONTINUE in document.actions:
            options.append((2, partial(self.go_on, story)))
        if Action.WITHDRAW in document.actions:
            options.append((0.05, partial(self.withdraw, story)))
        for step in document.steps:
            options += self._options(story, step)
        weights, acts = zip(*options, strict=True)
        self._chance.choices(acts, weights)[0]()

    def _options(self, story: Story, step: StepDocument) -> list[tuple[float, Callable[[], object]]]:
        blocked = 2.0 if step.status == "blocked" else 0.2  # a failure path may be all right, a wait surely is
        found: list[tuple[float, Callable[[], object]]] = []
        if Action.FLOW in step.actions:
            found.append((blocked, partial(self.retrigger, story, step, flow=True)))
            found.append((blocked / 2, partial(self.retrigger, story, step, flow=False)))
        if Action.INPUT in step.actions:
            found.append((blocked / 8, partial(self.provide, story, step)))
        if step.status == "waiting" and step.kind == "approval":
            found.append((1.5, partial(self.answer, story, step)))
        if step.status == "waiting" and step.kind == "callback" and story.calls:
            found.append((1.0, partial(self.call, story)))
        return found

    # --- towards the end ---------------------------------------------------------------------------------------

    def settle(self, story: Story) -> bool:
        """What whoever looks after the request does next. True when there is nothing to do any more."""
        document = self.read(story)
        if document.status in ("completed", "rejected", "withdrawn"):
            return True
        moving = [step for step in document.steps if step.status in ("ready", "running", "waiting")]
        if document.status == "failed" and not moving and self._chance.random() < 0.3:
            story.given_up = True
            return True
        if Action.CONTINUE in document.actions:
            self.go_on(story)
        for step in document.steps:
            if Action.INPUT in step.actions and UNMADE in (step.error or ""):
                self.provide(story, step)  # what it reads was cancelled by an end: re-triggers would go on for ever
            elif Action.FLOW in step.actions and (step.status == "blocked" or document.status == "failed"):
                self.retrigger(story, step, flow=True)
            elif step.status == "waiting" and step.kind == "approval":
                self.answer(story, step)
            elif step.status == "waiting" and step.kind == "callback" and story.calls:
                self.call(story)
        return False

    # --- the acts ----------------------------------------------------------------------------------------------

    def retrigger(self, story: Story, step: StepDocument, flow: bool) -> None:
        new_key = self._chance.random() < 0.05
        action = Action.FLOW if flow else Action.RETRIGGER
        plan = self._plan(story, action, step.node, new_key)
        if plan is None:
            return
        how: dict[str, Any] = self._bound(plan, step) | {"flow": flow, "new_key": new_key}
        if not flow:
            how["update_status"] = self._chance.random() < 0.3
        do = partial(self._engine.retrigger, request_id=story.number, node=step.node, reason="the storm", **how)
        what = "retriggered_flow" if flow else "retriggered"
        self._carry_out(story, what, step.node, do, confirmed=how["confirmed"], new_key=new_key)

    def provide(self, story: Story, step: StepDocument) -> None:
        plan = self._plan(story, Action.INPUT, step.node)
        if plan is not None:
            how = self._bound(plan, step)
            text = json.dumps(BY_HAND)
            do = partial(self._engine.provide_input, request_id=story.number, node=step.node, text=text, **how)
            self._carry_out(
                story, "input_provided", step.node, partial(do, reason="the storm"), confirmed=how["confirmed"]
            )

    def go_on(self, story: Story) -> None:
        plan = self._plan(story, Action.CONTINUE)
        if plan is not None:
            how: dict[str, Any] = {
                "confirmed": plan.needs_confirmation,
                "plan_digest": plan.digest,
                "reason": "the storm",
            }
            do = partial(self._engine.continue_flow, request_id=story.number, **how)
            self._carry_out(story, "continued", None, do, confirmed=plan.needs_confirmation)

    def withdraw(self, story: Story) -> None:
        do = partial(self._engine.withdraw, request_id=story.number, reason="the storm")
        self._carry_out(story, "withdrawn", None, do)

    def answer(self, story: Story, step: StepDocument) -> None:
        """By one of them, or by both; and of budgets, which need both, one in ten is not granted at first."""
        yes = story.permits if step.node == "permit" else self._chance.random() < 0.9
        how: dict[str, Any] = {"expect_version": step.version} if self._chance.random() < 0.5 else {}
        do = partial(self._engine.answer, request_id=story.number, node=step.node, yes=yes, **how)
        most = 2 if step.node == "budget" and yes and not how else 1
        self._carry_out(story, "approved" if yes else "rejected", step.node, do, most)

    def call(self, story: Story) -> None:
        """The outside world calls the present address, some of the time twice."""
        if story.calls or self._chance.random() < 0.1:
            url = insist(partial(self._engine.callback_url, ANNA, story.number, "delivered"))
            assert url is not None
            self._at_once(*[partial(self._call, story, url.rpartition("/")[2])] * self._chance.choice((1, 1, 2)))

    def _call(self, story: Story, token: str) -> None:
        serial, unsure = uuid.uuid4().hex, False
        while True:
            try:
                self._engine.call_back(token, json.dumps({"serial": serial}))
            except StorageError:
                unsure = True
                time.sleep(AGAIN)
            except CallbackRefused:
                if unsure:
                    story.perhaps.add(serial)
                return
            else:
                with story.lock:
                    story.told.append(serial)
                return

    # --- how they are carried out ------------------------------------------------------------------------------

    def _plan(self, story: Story, action: Action, node: str | None = None, new_key: bool = False) -> Plan | None:
        try:
            return insist(partial(self._engine.plan, ANNA, story.number, action, node, new_key))
        except Refused:
            return None

    def _bound(self, plan: Plan, step: StepDocument) -> dict[str, Any]:
        """To what they saw: the plan, or the step's version. Who saw that a call would be repeated confirms it."""
        bound = {"plan_digest": plan.digest} if self._chance.random() < 0.7 else {"expect_version": step.version}
        return {**bound, "confirmed": plan.needs_confirmation}

    def _carry_out(self, story: Story, what: str, node: str | None, do: Do, most: int = 1, **facts: bool) -> None:
        """Once; or by an impatient person twice; or by two people at once, of whom ``most`` can have their way."""
        at, chance = time.time(), self._chance.random()
        one, other = self._chance.sample(PEOPLE, 2)
        commands = [(one, uuid.uuid4().hex)]
        if chance < 0.15:
            commands *= 2
        elif chance < 0.3:
            commands.append((other, uuid.uuid4().hex))
        answers = self._at_once(*(partial(self._try, do, actor, command) for actor, command in commands))
        done = {each: answer for each, answer in zip(commands, answers, strict=True) if answer is not None}
        for actor, _ in done:
            story.add(Said(what, node, actor.name, at, **facts))
        twice = len(done) > most or sum(answer is not None and not answer.repeated for answer in answers) > len(done)
        assert not twice, f"REQ-{story.number}: {what} {node} was done twice: {answers}"

    @staticmethod
    def _try(do: Do, actor: Actor, command: str) -> Accepted | None:
        """None when it was refused, as it may be, since others act as well."""
        try:
            return insist(lambda: do(actor, command_id=command))
        except Refused as refusal:
            if isinstance(refusal, InvalidInput | NotPermitted | NotAnApprover):  # they do nothing of that kind
                raise
            return None

    @staticmethod
    def _at_once(*acts: Callable[[], T]) -> list[T]:
        if len(acts) == 1:
            return [acts[0]()]
        with ThreadPoolExecutor(len(acts)) as pool:
            return [each.result() for each in [pool.submit(act) for act in acts]]
