"""A workflow as people draw it: places and the ways between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

ACTION, FUNCTION, DECISION, BRANCH, MERGE, SYNC, END = (
    "action",
    "function",
    "decision",
    "branch",
    "merge",
    "sync",
    "end",
)
APPROVAL, DELAY, CALLBACK = "approval", "delay", "callback"
INSTANT = (BRANCH, MERGE, END)  # nobody executes them: they are done when they are reached
WAITS = (APPROVAL, DELAY, CALLBACK)  # they wait for something outside, and nobody holds them meanwhile
WORK = (ACTION, FUNCTION)
OK, BAD, YES, NO = "success", "failure", "approved", "rejected"
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
    everybody: bool = False  # an approval that all must give
    timed: bool = False  # an approval or callback that does not wait for ever
    inner: tuple[Place, ...] = ()  # of a sync block, in order


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
        self.block_of = {inner.id: place.id for place in self.places.values() for inner in place.inner}

    def __repr__(self) -> str:
        """What another run makes the same shape from."""
        places = ", ".join(map(_written, self.places.values()))
        ways = ", ".join(f"Way{tuple(way)}" for way in self.ways)
        return f"Shape([{places}], [{ways}])"

    def find(self, node: str) -> Place:
        """A place, or one inside a block."""
        return next(place for place in self.rows() if place.id == node)

    def rows(self) -> Iterator[Place]:
        """Every place, and those inside right behind their block."""
        for place in self.places.values():
            yield place
            yield from place.inner

    def unit(self, node: str) -> list[str]:
        """What is taken back and cancelled together."""
        return [node, *(inner.id for inner in self.places[node].inner)]

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


def _written(place: Place) -> str:
    given = [f"{name}={value!r}" for name, value in place._asdict().items() if value != Place._field_defaults.get(name)]
    return f"Place({', '.join(given)})"


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
        usual = target.strip() if kind == DECISION else YES if kind == APPROVAL else OK
        yield Way(source, outlet or usual, target.strip())
