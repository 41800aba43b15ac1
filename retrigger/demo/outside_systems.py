"""The state behind the demo's outside systems: switches, rules, what was really done, and the ledger of all calls."""

from __future__ import annotations

import json
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any, NamedTuple

from engine.errors import NotFound
from retrigger.demo.outside_catalog import CATALOG, Body, Resource, System
from retrigger.demo.outside_switches import Mode, NewRule, Rule, Switch, spent

LEDGER_LENGTH = 500
WRONG_DATA = {"status": "ok"}


class Call(NamedTuple):
    """One HTTP call as it came in."""

    system: str
    method: str
    path: str
    key: str | None
    trace: str | None
    body: Body


class Answer(NamedTuple):
    """What goes back to the caller."""

    status: int
    body: Any


@dataclass
class Entry:
    """One line of the ledger. ``effect`` is the number of what was done; ``repeat_of`` of what was not done again."""

    number: int
    at: float
    system: str
    method: str
    path: str
    key: str | None
    trace: str | None
    status: int | None = None
    effect: int | None = None
    repeat_of: int | None = None
    made: Any = None
    outcome: str = "working on it"


@dataclass(frozen=True)
class Effect:
    """A thing that was really done, once, whatever the caller was told."""

    number: int
    system: str
    path: str
    asked: Body
    answer: Answer


@dataclass
class _Books:
    """Everything that a reset forgets."""

    switches: dict[str, Switch] = field(default_factory=lambda: {name: Switch() for name in CATALOG})
    rules: list[Rule] = field(default_factory=list)
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=LEDGER_LENGTH))
    effects: list[Effect] = field(default_factory=list)
    by_key: dict[tuple[str, str, str], Effect] = field(default_factory=dict)
    made: Counter[tuple[str, str]] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    repeats: Counter[str] = field(default_factory=Counter)


class OutsideSystems:
    """Four systems that honour ``Idempotency-Key``: the same key gives the first answer again and does nothing twice.

    Thread-safe. ``clock`` gives seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._books = _Books()
        self._rule_ids = count(1)
        self._version = 0
        self._turns: Counter[str] = Counter()
        self._closed = False

    def call(self, call: Call) -> Answer:
        """Carry a call out as the present rule or switch wants it; blocks while the system is slow or holds back.

        Raises ``NotFound`` for a system or a path that there is not.
        """
        with self._changed:
            books, resource = self._books, self._resource(call)
            switch, entry = self._switch_for(call), self._enter(call)
            if switch.mode is Mode.DOWN:
                return self._finish(entry, Answer(503, {"error": f"{call.system} is down"}), "nothing done")
            if switch.mode is Mode.SLOW:
                self._wait(call.system, switch.seconds)
            if self._books is not books:
                return Answer(503, {"error": "reset while the call waited"})
            answer, outcome = self._work(entry, call, resource)
            if switch.mode is Mode.WRONG_DATA and answer.status < 300:
                return self._finish(entry, Answer(200, WRONG_DATA), f"{outcome}, answered with wrong data")
            if switch.mode is Mode.NO_ANSWER:
                entry.outcome = f"{outcome}, no answer given"
                self._wait(call.system, switch.seconds)
                return answer
            return self._finish(entry, answer, outcome)

    def switch(self, system: str) -> Switch:
        """The switch of ``system``. Raises ``NotFound``."""
        with self._changed:
            return self._books.switches[_known(system)]

    def set_switch(self, system: str, switch: Switch) -> None:
        """Change how ``system`` behaves; calls that wait in it go on at once. Raises ``NotFound``."""
        with self._changed:
            self._books.switches[_known(system)] = switch
            self._turn(system)

    def add_rule(self, rule: NewRule) -> Rule:
        """Make ``rule`` the first that is looked at. Raises ``NotFound`` for an unknown system."""
        with self._changed:
            _known(rule.system)
            made = Rule(id=next(self._rule_ids), **rule.model_dump())
            self._books.rules.insert(0, made)
            self._turn(rule.system)
            return made

    def remove_rule(self, rule_id: int) -> None:
        """Take a rule away. Raises ``NotFound``, also for one that was used up."""
        with self._changed:
            rule = next((rule for rule in self._books.rules if rule.id == rule_id), None)
            if rule is None:
                raise NotFound("rule", rule_id, "It may have been used up.")
            self._books.rules.remove(rule)
            self._turn(rule.system)

    def reset(self) -> None:
        """All systems up, no rules, an empty ledger, nothing ever done."""
        with self._changed:
            self._books = _Books()
            self._turn(*CATALOG)

    def close(self) -> None:
        """Let every waiting call go on now and make no further one wait: the service is stopping."""
        with self._changed:
            self._closed = True
            self._turn(*CATALOG)

    def snapshot(self) -> dict[str, Any]:
        """Switches, rules, counts and the ledger, newest call first. ``version`` changes whenever anything does."""
        with self._changed:
            books = self._books
            return {
                "version": self._version,
                "counts": {
                    "calls": books.calls.total(),
                    "effects": len(books.effects),
                    "repeats": books.repeats.total(),
                },
                "systems": [self._about(name, system) for name, system in CATALOG.items()],
                "rules": [rule.model_dump(mode="json") for rule in books.rules],
                "entries": [asdict(entry) for entry in reversed(books.entries)],
            }

    def _about(self, name: str, system: System) -> dict[str, Any]:
        books = self._books
        return {
            "name": name,
            "title": system.title,
            "about": system.about,
            "switch": books.switches[name].model_dump(mode="json"),
            "calls": books.calls[name],
            "effects": sum(books.made[name, path] for path in system.resources),
            "repeats": books.repeats[name],
        }

    def _resource(self, call: Call) -> Resource:
        resources = CATALOG[_known(call.system)].resources
        if call.path not in resources:
            raise NotFound("path", f"/{call.system}/{call.path}", f"There is /{call.system}/{next(iter(resources))}.")
        return resources[call.path]

    def _switch_for(self, call: Call) -> Switch:
        """The first rule that fits, else the system's switch; counts the call against its ``times``."""
        books, text = self._books, json.dumps(call.body, ensure_ascii=False)
        for place, rule in enumerate(books.rules):
            if rule.system == call.system and rule.contains in text:
                books.rules[place : place + 1] = spent(rule)
                return rule
        switch = books.switches[call.system]
        books.switches[call.system] = next(iter(spent(switch)), Switch())
        return switch

    def _enter(self, call: Call) -> Entry:
        calls = self._books.calls
        calls[call.system] += 1
        entry = Entry(calls.total(), self._clock(), call.system, call.method, call.path, call.key, call.trace)
        self._books.entries.append(entry)
        self._version += 1
        return entry

    def _work(self, entry: Entry, call: Call, resource: Resource) -> tuple[Answer, str]:
        """Do what is asked, unless this key has done it before; the answer, and what to write in the ledger."""
        books = self._books
        if call.method == "GET":
            made = [e.answer.body for e in books.effects if (e.system, e.path) == (call.system, call.path)]
            return Answer(200, made), "read, nothing done"
        known = books.by_key.get((call.system, call.path, call.key)) if call.key else None
        if known is not None and known.asked != call.body:
            return Answer(422, {"error": "this Idempotency-Key came with another body before"}), "refused, nothing done"
        if known is not None:
            entry.repeat_of = known.number
            books.repeats[call.system] += 1
            return known.answer, f"repeat of #{known.number}, nothing done again"
        missing = [name for name in resource.needs if not call.body.get(name)]
        if missing:
            return Answer(400, {"error": f"missing: {', '.join(missing)}"}), "refused, nothing done"
        return self._make(entry, call, resource)

    def _make(self, entry: Entry, call: Call, resource: Resource) -> tuple[Answer, str]:
        books = self._books
        books.made[call.system, call.path] += 1
        answer = Answer(resource.status, resource.make(books.made[call.system, call.path], call.body))
        effect = Effect(len(books.effects) + 1, call.system, call.path, call.body, answer)
        books.effects.append(effect)
        if call.key:
            books.by_key[call.system, call.path, call.key] = effect
        entry.effect, entry.made = effect.number, answer.body
        return answer, f"done, effect #{effect.number}"

    def _finish(self, entry: Entry, answer: Answer, outcome: str) -> Answer:
        entry.status, entry.outcome = answer.status, outcome
        self._version += 1
        return answer

    def _wait(self, system: str, seconds: float) -> None:
        """Wait until the time is over, or somebody turned this system's switch, which sets its calls free."""
        self._version += 1
        seen = self._turns[system]
        self._changed.wait_for(lambda: self._closed or self._turns[system] != seen, seconds)

    def _turn(self, *systems: str) -> None:
        self._version += 1
        self._turns.update(systems)
        self._changed.notify_all()


def _known(system: str) -> str:
    if system not in CATALOG:
        raise NotFound("system", system, f"There are {', '.join(CATALOG)}.")
    return system
