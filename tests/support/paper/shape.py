"""A workflow as people draw it: places and the ways between them; and the definition that is published from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

ACTION, FUNCTION, DECISION, BRANCH, MERGE, END = "action", "function", "decision", "branch", "merge", "end"
INSTANT = (BRANCH, MERGE, END)  # nobody executes them: they are done when they are reached
OK, BAD = "success", "failure"
RETRIES = 1  # of every action


class Place(NamedTuple):
    """``reads``: the place whose result the call, or the decision, is made from; ``strict``: without it, it cannot be
    rendered. ``body`` is part of every call, so that another version of a workflow can call differently."""

    id: str
    kind: str = ACTION
    reads: str | None = None
    strict: bool = False
    end: str | None = None  # an end's status
    cancels: bool = False  # an end with cancel_others
    body: str = ""


class Way(NamedTuple):
    """From one place to another, taken when the first is left by ``outlet``. All ways of a branch are OK, those of a
    decision are named after their targets; the first of them is its default."""

    source: str
    outlet: str
    target: str


class Shape:
    """``places`` in an order in which every way leads forward; the first is the start."""

    def __init__(self, places: Iterable[Place], ways: Iterable[Way]) -> None:
        self.places = {place.id: place for place in places}
        self.ways = tuple(ways)
        self.start = next(iter(self.places))

    def __repr__(self) -> str:
        """What another run draws the same shape from."""
        return f"Shape({list(self.places.values())}, {list(self.ways)})"

    def into(self, place: str) -> list[Way]:
        return [way for way in self.ways if way.target == place]

    def out_of(self, place: str) -> list[Way]:
        return [way for way in self.ways if way.source == place]

    def leads(self, place: str, outlet: str) -> bool:
        """Whether any way leaves the place so."""
        return any(way.outlet == outlet for way in self.out_of(place))

    def behind(self, *starts: str) -> list[str]:
        """Everything that can be reached from these places, in the order of the places."""
        found: set[str] = set()
        for place in self.places:  # ways lead forward, so one pass is enough
            if any(way.source in found or way.source in starts for way in self.into(place)):
                found.add(place)
        return [place for place in self.places if place in found]

    def definition(self, name: str) -> str:
        """The text that is published."""
        nodes = {place.id: self._node(place) for place in self.places.values() if place.id != END}
        return json.dumps({"workflow": name, "app": "HR", "nodes": nodes})

    def _node(self, place: Place) -> dict[str, object]:
        if place.kind == END:
            return {"end": {"status": place.end, "cancel_others": place.cancels}}
        outlets = [way.outlet for way in self.out_of(place.id)]
        targets = [way.target for way in self.out_of(place.id)]
        if place.kind == DECISION:
            first, *others = targets
            asked = [{"when": _is(place, number), "next": target} for number, target in enumerate(others, 2)]
            return {"decision": [*asked, {"default": first}]}
        if place.kind == BRANCH:
            return {"branch": targets}
        if place.kind == MERGE:
            return {"merge": {}, "next": targets[0]}
        ways = dict(zip(outlets, targets, strict=True))
        node = {**_work(place), "result_schema": {"type": "object", "required": ["n"]}, "next": ways[OK]}
        return {**node, "on_failure": ways[BAD]} if BAD in ways else node


def _is(place: Place, number: int) -> str | bool:
    return f"{{{{ ({_read(place)}) == {number} }}}}" if place.reads else False


def _work(place: Place) -> dict[str, object]:
    """What an action or a function is called with."""
    seen = f"{{{{ {_read(place)} }}}}" if place.reads else ""
    if place.kind == FUNCTION:
        args = {"node": place.id, "seen": seen, "body": place.body}
        return {"function": {"name": "paper.work", "args": args, "isolation": "thread"}}
    expect = {"schema": {"type": "object", "required": ["n"]}}
    return {
        "action": {
            "connection": "outside",
            "method": "POST",
            "path": f"/{place.id}",
            "body": {"seen": seen, "body": place.body},
            "expect": expect,
            "retry": {"times": RETRIES, "interval": "1h"},
        }
    }


def _read(place: Place) -> str:
    result = f"nodes.{place.reads}.result"
    return f"{result}.n" if place.strict else f"{result}.n if {result} is defined else 0"


def drawn(*lines: str, **kinds: Place | str) -> Shape:
    """A shape from lines such as "a > b", "a -failure> c", "route > x, y". ``kinds`` says what is no plain action; the
    lines stand in the order of the places they begin with."""
    ways = [way for line in lines for way in _ways(line, kinds)]
    names = list(dict.fromkeys([way.source for way in ways] + [way.target for way in ways]))
    places = []
    for name in names:
        given = kinds.get(name, Place(name, END, end="completed") if name == END else ACTION)
        places.append(given._replace(id=name) if isinstance(given, Place) else Place(name, given))
    return Shape(places, ways)


def _ways(line: str, kinds: dict[str, Place | str]) -> Iterator[Way]:
    left, targets = line.split(">")
    source, _, outlet = left.strip().partition(" -")
    given = kinds.get(source)
    kind = given.kind if isinstance(given, Place) else given
    for target in targets.split(","):
        yield Way(source, target.strip() if kind == DECISION else outlet or OK, target.strip())
