"""The workflows that are tried: some drawn by hand for what they are known to be good for, the others at random."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from tests.support.paper.shape import (
    ACTION,
    APPROVAL,
    BAD,
    BRANCH,
    CALLBACK,
    DECISION,
    DELAY,
    END,
    FUNCTION,
    MERGE,
    NO,
    OK,
    SYNC,
    WORK,
    YES,
    Place,
    Shape,
    Way,
    drawn,
)

FAILED_END = Place("no", END, end="failed")

LINE = drawn("a > b", "b > c", "c > end", b=FUNCTION)
TOLD = drawn(
    "a > b",
    "a -failure> mail",
    "b > c",
    "mail > no",
    "c > end",
    no=FAILED_END,
    b=Place("b", reads="a"),
    mail=Place("mail"),
)
CHOICE = drawn(
    "a > route",
    "route > left, right",
    "left > last",
    "right > last",
    "last > end",
    route=Place("route", DECISION, reads="a"),
    last=Place("last", reads="a"),
)
LINE_AND_PATHS = drawn(
    "a > b",
    "a -failure> b",
    "b > c",
    "b -failure> d",
    "c > end",
    "d > end",
    b=Place("b", reads="a"),
    d=Place("d", FUNCTION, reads="a", strict=True),
)
FORK = drawn(
    "a > fork",
    "fork > left, right",
    "left > join",
    "right > join",
    "join > last",
    "last > end",
    fork=BRANCH,
    join=MERGE,
    last=Place("last", reads="left"),
)
RACE = drawn(
    "fork > left, right",
    "left > join",
    "left -failure> stop",
    "right > join",
    "join > last",
    "last > end",
    fork=BRANCH,
    join=MERGE,
    stop=Place("stop", END, end="failed", cancels=True),
)
WIDE = drawn(
    "fork > pay, tell, ask",
    "pay > join",
    "pay -failure> refund",
    "refund > refused",
    "tell > join",
    "ask > yes_no",
    "yes_no > join, refused",
    "join > end",
    fork=BRANCH,
    join=MERGE,
    yes_no=Place("yes_no", DECISION, reads="ask"),
    refused=Place("refused", END, end="rejected", cancels=True),
    ask=FUNCTION,
)
ASKING = drawn(
    "fork > boss, call, pause",
    "boss > pay",
    "boss -rejected> no",
    "call > pay",
    "call -failure> tell",
    "pause > pay",
    "pay > end",
    "tell > end",
    fork=BRANCH,
    boss=Place("boss", APPROVAL, everybody=True, timed=True),
    call=Place("call", CALLBACK, timed=True),
    pause=DELAY,
    pay=Place("pay", reads="call"),
    no=Place("no", END, end="rejected", cancels=True),
)
AS_ONE = drawn(
    "a > both",
    "a -failure> both",
    "both > last",
    "last > end",
    both=Place("both", SYNC, inner=(Place("make", reads="a"), Place("enter", FUNCTION, reads="make", strict=True))),
    last=Place("last", reads="enter"),
)
BY_HAND = (LINE, TOLD, CHOICE, LINE_AND_PATHS, FORK, RACE, WIDE, ASKING, AS_ONE)
KINDS = (ACTION, ACTION, FUNCTION, DECISION, BRANCH, MERGE, SYNC, APPROVAL, DELAY, CALLBACK)


@st.composite
def random_shapes(draw: st.DrawFn) -> Shape:
    """Up to six places and an end or two. Every place but the start has a way to it from the place above it."""
    size = draw(st.integers(2, 6))
    names = [f"n{number}" for number in range(size)]
    places: list[Place] = []
    ways: list[Way] = []
    for number, name in enumerate(names):
        later = [*names[number + 1 :], END, "other_end"]
        place = draw(_places(name, places, narrow=len(later) < 3))
        more = st.lists(st.sampled_from(later[1:]), min_size=int(place.kind == BRANCH), max_size=2, unique=True)
        places.append(place)
        ways += _ways_out(place, later[0], draw(more))
    other = Place("other_end", END, end=draw(st.sampled_from(["failed", "rejected"])), cancels=draw(st.booleans()))
    reached = {way.target for way in ways}
    places += [end for end in (Place(END, END, end="completed"), other) if end.id in reached]
    return Shape(places, ways)


@st.composite
def _places(draw: st.DrawFn, name: str, before: list[Place], narrow: bool) -> Place:
    kind = draw(st.sampled_from(KINDS))
    if narrow and kind in (DECISION, BRANCH):
        kind = ACTION
    worked = [row.id for place in before for row in (place, *place.inner) if row.kind in (*WORK, CALLBACK)]
    reads = draw(st.sampled_from([None, *worked]))
    strict = reads is not None and draw(st.integers(0, 3)) == 0
    if kind == SYNC:
        first = Place(f"{name}_1", draw(st.sampled_from(WORK)), reads, strict)
        return Place(name, kind, inner=(first, Place(f"{name}_2", reads=first.id)))
    return Place(name, kind, reads, strict, everybody=draw(st.booleans()), timed=draw(st.booleans()))


def _ways_out(place: Place, below: str, others: list[str]) -> list[Way]:
    if place.kind in (DECISION, BRANCH):
        return [Way(place.id, target if place.kind == DECISION else OK, target) for target in (below, *others)]
    if place.kind == APPROVAL:
        return [Way(place.id, YES, below), *(Way(place.id, NO, other) for other in others[:1])]
    bad = [Way(place.id, BAD, other) for other in others[:1] if place.kind not in (MERGE, DELAY)]
    return [Way(place.id, OK, below), *bad]


@st.composite
def versions(draw: st.DrawFn) -> list[Shape]:
    """A workflow, and perhaps what somebody made of it later."""
    found = [draw(st.one_of(st.sampled_from(BY_HAND), random_shapes()))]
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        found.append(draw(_changed(found[-1], len(found))))
    return found


@st.composite
def _changed(draw: st.DrawFn, shape: Shape, number: int) -> Shape:
    """Another body, another kind, a failure path more or less, a step more or less."""
    places, ways = dict(shape.places), list(shape.ways)
    able = [p.id for p in places.values() if p.kind in (*WORK, CALLBACK, SYNC)]
    place = places[draw(st.sampled_from(able or [shape.start]))]
    failures = [way for way in ways if way == Way(place.id, BAD, way.target)]
    change = draw(st.sampled_from(["body", "kind", "failure", "more", "less"]))
    if place.kind == SYNC:
        change = draw(st.sampled_from(["inside", "more"]))
    elif place.kind not in (*WORK, CALLBACK):
        change = "more"
    if change == "body":
        places[place.id] = place._replace(body=f"version {number + 1}")
    elif change == "kind":
        others = [kind for kind in (ACTION, FUNCTION, CALLBACK, APPROVAL) if kind != place.kind]
        ways = _of_kind(places, ways, place, draw(st.sampled_from(others)))
    elif change == "inside":
        *kept, last = place.inner
        other = Place(f"other_{number}")
        inner = draw(st.sampled_from([(*kept, last, other), (other, *kept, last), (*kept, other)]))
        places[place.id] = place._replace(inner=inner)
        if last not in inner:
            _forget(places, last.id)
    elif change == "failure":
        ends = [end.id for end in places.values() if end.kind == END]
        ways = [way for way in ways if way not in failures] if failures else [*ways, Way(place.id, BAD, ends[-1])]
    elif change == "more":
        _put_in(places, ways, draw(st.sampled_from(ways)), f"new_{number}")
    elif place.id != shape.start and not failures:
        ways = _taken_out(places, ways, place.id)
    return Shape(_in_use(places.values(), ways), ways)


def _of_kind(places: dict[str, Place], ways: list[Way], place: Place, kind: str) -> list[Way]:
    """That place is of another kind. An approval leaves by ways of other names, and gives nobody a number to read."""
    places[place.id] = place._replace(kind=kind)
    if kind != APPROVAL:
        return ways
    _forget(places, place.id)
    names = {OK: YES, BAD: NO}
    return [way._replace(outlet=names[way.outlet]) if way.source == place.id else way for way in ways]


def _put_in(places: dict[str, Place], ways: list[Way], way: Way, name: str) -> None:
    """Another action on that way."""
    outlet = name if places[way.source].kind == DECISION else way.outlet
    ways[ways.index(way)] = Way(way.source, outlet, name)
    ways.append(Way(name, OK, way.target))
    order = list(places.items())
    at = [place for place, _ in order].index(way.target)
    places.clear()
    places.update([*order[:at], (name, Place(name)), *order[at:]])


def _taken_out(places: dict[str, Place], ways: list[Way], name: str) -> list[Way]:
    """That place is gone: what led there leads on to what was behind it. Nothing reads it any more."""
    [after] = [way.target for way in ways if way.source == name]
    del places[name]
    _forget(places, name)
    kept = []
    for way in ways:
        if way.source != name:
            outlet = after if places[way.source].kind == DECISION and way.target == name else way.outlet
            kept.append(Way(way.source, outlet, after) if way.target == name else way)
    kept = list(dict.fromkeys(kept))
    for place in list(places.values()):  # a branch with one way is none
        if place.kind == BRANCH and sum(way.source == place.id for way in kept) == 1:
            places[place.id] = Place(place.id, MERGE)
    return kept


def _forget(places: dict[str, Place], name: str) -> None:
    """Nothing reads its result any more."""
    for place in list(places.values()):
        inner = tuple(_unread(inner, name) for inner in place.inner)
        places[place.id] = _unread(place, name)._replace(inner=inner)


def _unread(place: Place, name: str) -> Place:
    return place._replace(reads=None, strict=False) if place.reads == name else place


def _in_use(places: Iterable[Place], ways: list[Way]) -> list[Place]:
    """Without the ends that nothing leads to any more."""
    reached = {way.target for way in ways}
    return [place for place in places if place.kind != END or place.id in reached]
