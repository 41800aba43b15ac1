"""The workflows that are tried: some drawn by hand for what they are known to be good for, the others at random."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.support.paper.shape import (
    ACTION,
    BAD,
    BRANCH,
    DECISION,
    END,
    FUNCTION,
    MERGE,
    OK,
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
BY_HAND = (LINE, TOLD, CHOICE, LINE_AND_PATHS, FORK, RACE, WIDE)


@st.composite
def random_shapes(draw: st.DrawFn, kinds: tuple[str, ...] = (ACTION, FUNCTION, DECISION, BRANCH, MERGE)) -> Shape:
    """Up to six places and an end or two. Every place but the start has a way to it from the place above it."""
    size = draw(st.integers(2, 6))
    names = [f"n{number}" for number in range(size)]
    ends = ["end", "other_end"]
    places: list[Place] = []
    ways: list[Way] = []
    for number, name in enumerate(names):
        later = [*names[number + 1 :], *ends]
        kind = draw(st.sampled_from(kinds))
        if kind in (DECISION, BRANCH) and len(later) < 3:
            kind = ACTION
        worked = [place.id for place in places if place.kind in (ACTION, FUNCTION)]
        reads = draw(st.sampled_from([None, *worked])) if worked else None
        places.append(Place(name, kind, reads, strict=reads is not None and draw(st.integers(0, 3)) == 0))
        others = [draw(st.sampled_from(later[1:])) for _ in range(draw(st.integers(int(kind == BRANCH), 2)))]
        if kind in (DECISION, BRANCH):
            targets = list(dict.fromkeys([later[0], *others]))
            ways += [Way(name, target if kind == DECISION else OK, target) for target in targets]
        else:
            ways.append(Way(name, OK, later[0]))
            ways += [Way(name, BAD, other) for other in others[:1] if kind != MERGE]
    other = Place("other_end", END, end=draw(st.sampled_from(["failed", "rejected"])), cancels=draw(st.booleans()))
    reached = {way.target for way in ways}
    places += [end for end in (Place(END, END, end="completed"), other) if end.id in reached]
    return Shape(places, ways)
