"""After a storm: whether each request came to what its story allows, by what the outside world has seen.

The questions are those that the people and systems of the story would ask. They use no rule of the engine.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from engine.commands.documents import AttemptDocument, RequestDocument, StepDocument
from tests.support.storm.story import ANNA, BOB, PAUSE, Story

_KEY = re.compile(r"req-(\d+)-([a-z_]+)-(\d+)(?:\.\d+)?-[0-9a-f]+")  # behind the dot: new keys that were asked for
_IN_BLOCK = ("enter", "badge", "print")
_TIMEOUT = 4.0  # seconds: that of the callback
_BUDGET = 5  # recoveries of one execution (SPEC 3.2)


class Call(NamedTuple):
    """A call as the outside world has it. ``place``: its number in the ledger; ``done``: it had an effect."""

    place: int
    node: str
    visit: int
    key: str
    at: float
    done: bool


def sorted_out(ledger: Iterable[Mapping[str, Any]]) -> dict[int, list[Call]]:
    """The calls of each request, oldest first. Every call names request, step and visit in its key."""
    calls: dict[int, list[Call]] = defaultdict(list)
    for entry in ledger:
        match = _KEY.fullmatch(entry["key"])
        assert match is not None, f"a call with the key {entry['key']}"
        call = Call(entry["number"], match[2], int(match[3]), entry["key"], entry["at"], entry["effect"] is not None)
        calls[int(match[1])].append(call)
    return calls


class Verdict:
    """One request. ``gone``: the beginnings of the names of engines that died or hung."""

    def __init__(self, document: RequestDocument, story: Story, calls: list[Call], gone: Collection[str]) -> None:
        self._document, self._story, self._calls, self._gone = document, story, calls, tuple(gone)
        self._steps = {step.node: step for step in document.steps}

    def check(self) -> None:
        """Raises AssertionError, with the whole story."""
        try:
            self._check_end()
            self._check_acts()
            for step in self._document.steps:
                self._check_attempts(step)
                self._check_recoveries(step)
                self._check_effects(step)
            self._check_way()
            self._check_people()
            self._check_callback()
            if self._document.status == "completed":
                self._check_completed()
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._told()}") from error

    def _told(self) -> str:
        lines = [f"{self._document.id} is {self._document.status}: {self._document.reason}", f"{self._story}"]
        for step in self._document.steps:
            tries = [(a.number, a.kind.value, a.visit, a.outcome and a.outcome.value, a.worker) for a in step.attempts]
            lines.append(f"  {step.node} {step.status.value} visit {step.visit}, {step.error}: {tries}")
        return "\n".join([*lines, *(f"  {call}" for call in self._calls)])

    def _check_end(self) -> None:
        assert self._document.status == self._story.end
        moving = [step.node for step in self._document.steps if step.status in ("ready", "running", "waiting")]
        assert not moving, f"{moving} still move"

    def _check_acts(self) -> None:
        """Each act of a person that was accepted is in the audit once, and no other."""
        kinds = {"retriggered", "retriggered_flow", "input_provided", "continued", "withdrawn", "approved", "rejected"}
        audited = Counter((e.kind, e.node, e.by) for e in self._document.events if e.kind in kinds)
        assert audited == Counter((said.what, said.node, said.by) for said in self._story.said)

    def _check_attempts(self, step: StepDocument) -> None:
        """None is lost, each has ended, and only those whose engine was gone were given up."""
        attempts = step.attempts
        assert [attempt.number for attempt in attempts] == list(range(1, len(attempts) + 1)), step.node
        assert all(attempt.outcome is not None for attempt in attempts), step.node
        lost = [str(attempt.worker) for attempt in attempts if attempt.outcome == "lost"]
        assert all(worker.startswith(self._gone) for worker in lost), f"{step.node}: {lost} did not all die"
        if step.status == "completed" and attempts:
            assert attempts[-1].outcome == "succeeded", step.node
        acts = [a for a in attempts if a.kind == "provided_input"]
        assert len(acts) == self._story.times("input_provided", step.node), step.node

    def _check_recoveries(self, step: StepDocument) -> None:
        """Each death of a worker counts once, in the budget that a person or a new visit has opened."""
        losses = [e.attempt for e in self._document.events if e.kind == "worker_lost" and e.node == step.node]
        assert len(losses) == len(set(losses)), step.node
        if step.part_of is not None:
            assert step.recoveries == 0, step.node
        elif step.status in ("completed", "failed", "blocked"):
            assert step.recoveries == _deaths(step.attempts), step.node

    def _check_effects(self, step: StepDocument) -> None:
        """One for each visit at most; one more only for a new key, and for a visit after the first that had one only
        if somebody confirmed that. No call without its attempt."""
        calls = [call for call in self._calls if call.node == step.node]
        effects = Counter(call.visit for call in calls if call.done)
        new_keys = sum(said.new_key for said in self._story.said if said.node in (step.node, step.part_of))
        assert all(times <= 1 + new_keys for times in effects.values()), f"{step.node}: {effects}"
        confirmed = sum(said.confirmed for said in self._story.said)
        assert effects.total() <= 1 + confirmed, f"{step.node}: {effects}, {confirmed} times confirmed"
        known = Counter(attempt.idempotency_key for attempt in step.attempts)
        for key, times in Counter(call.key for call in calls).items():
            assert times <= known[key], f"{step.node}: {times} calls, {known[key]} attempts under {key}"

    def _check_way(self) -> None:
        """Nothing happened on a way that the request did not take."""
        called = {call.node for call in self._calls}
        assert not called & ({"desk"} if self._story.remote else {"shipment", "apology"})
        assert not called - self._steps.keys()
        for node, cause in (("apology", "shipment"), ("chase", "delivered")):
            assert node not in called or any(a.outcome == "failed" for a in self._steps[cause].attempts), node

    def _check_people(self) -> None:
        """What needs approvals waited for them, and then for the pause."""
        first = min((call.at for call in self._calls if call.node in (*_IN_BLOCK, "welcome")), default=None)
        if first is None:
            return
        said = [each for each in self._story.said if each.what == "approved"]
        permitted = [each.at for each in said if each.node == "permit"]
        assert permitted, "nobody permitted it"
        for person in (ANNA, BOB):
            agreed = [each.at for each in said if each.node == "budget" and each.by == person.name]
            assert agreed and min(agreed) + PAUSE <= first, f"{person.name} had not agreed, or there was no pause"

    def _check_callback(self) -> None:
        """A call that was accepted is the result; where none came, its time was over first."""
        step = self._steps["delivered"]
        for attempt in step.attempts:
            if attempt.outcome == "failed" and attempt.ended_at is not None:
                assert (attempt.ended_at - attempt.started_at).total_seconds() >= _TIMEOUT
        if step.status == "completed":
            serial = step.result["serial"]
            assert serial in self._story.perhaps or serial == self._story.told[-1]
        elif self._document.status == "completed":
            assert not self._story.told, "a call that was accepted did not count"

    def _check_completed(self) -> None:
        """Every step of its way has done its work, and what is behind the merge came last."""
        way = ["account", "order", "count" if self._steps["delivered"].status == "completed" else "chase", "check"]
        way += ["desk"] if not self._story.remote else self._shipped()
        for node in (*way, *_IN_BLOCK, "permit", "budget", "cool_off", "enrol", "ready", "welcome"):
            assert self._steps[node].status == "completed", f"{node} is not done"
        for node in ("not_granted", "failed_end"):
            assert self._steps[node].status in ("skipped", "cancelled"), node
        last = self._effect("welcome")
        for node in (*way, *_IN_BLOCK):
            effect = self._effect(node)
            assert effect is None or last is None or effect.place < last.place, f"{node} came after the welcome"

    def _shipped(self) -> list[str]:
        if self._steps["shipment"].status == "completed":
            return ["shipment"]
        assert self._steps["shipment"].status == "failed"
        return ["apology"]

    def _effect(self, node: str) -> Call | None:
        """What the step's last visit did outside: once, unless somebody gave its result by hand, or it calls nobody."""
        step = self._steps[node]
        done = [call for call in self._calls if call.node == node and call.visit == step.visit and call.done]
        calls = node not in ("count", "check") and step.attempts[-1].kind != "provided_input"
        assert done or not calls, f"{node} has done nothing outside"
        return done[0] if done else None


def _deaths(attempts: tuple[AttemptDocument, ...]) -> int:
    """Of the present budget. The death that used it up is no recovery."""
    opened = max((a.number for a in attempts if a.kind in ("initial", "retrigger")), default=1)
    return min(_BUDGET, sum(a.outcome == "lost" for a in attempts if a.number >= opened))
