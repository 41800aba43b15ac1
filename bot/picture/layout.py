"""Where everything of a picture stands. Pure; in pixels of a picture that is not enlarged.

Layers follow one another downwards; where one of them is wide, the whole is turned, and they follow to the right. What
would become a long strip is folded: the layers go on in the next column (or row), beside the first one. Lines are level
or upright only, so that a hundred of them can run side by side.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import sqrt
from typing import NamedTuple

from bot.picture.layers import Item, Layers, Link, across, layers_of
from engine.graph import Edge, Graph

GAP = 22.0  # between boxes of one layer
LANE = 10.0  # what a line takes
CHANNEL = 26.0  # between two layers, beside the tracks in it
FOLD = 1500.0  # a strip longer than this is folded
ASPECT = 1.5  # of its width and height, aimed at then
NEAR = 14.0  # so little aside of its middle, a line may enter a box, and so run straight
WIDE = 7  # boxes side by side, from which on the layers follow to the right

Point = tuple[float, float]


class Box(NamedTuple):
    """Its left upper corner and its size."""

    left: float
    top: float
    width: float
    height: float


class Line(NamedTuple):
    """A part of what is drawn for ``edges``. ``enters``: it ends at the box of that node."""

    edges: frozenset[Edge]
    points: tuple[Point, ...]
    enters: str | None


class Layout(NamedTuple):
    """``turned``: the layers follow to the right."""

    boxes: Mapping[str, Box]
    lines: Sequence[Line]
    width: float
    height: float
    turned: bool


class _Strip(NamedTuple):
    """Layers that stand behind one another, from the ``first`` to the ``last``, and where the ``end`` of those is."""

    first: int
    last: int
    end: float


def lay_out(graph: Graph, sizes: Mapping[str, tuple[float, float]]) -> Layout:
    """``sizes``: width and height of each node's box."""
    layers = layers_of(graph)
    turned = max(sum(not item.lane for item in row) for row in layers.layers) >= WIDE
    size = {node: (height, width) if turned else (width, height) for node, (width, height) in sizes.items()}
    return _Laying(layers, size, turned).done()


class _Laying:
    """In coordinates across and along the layers. ``size`` of each node's box is (across, along)."""

    def __init__(self, layers: Layers, size: Mapping[str, tuple[float, float]], turned: bool) -> None:
        self._layers, self._size, self._turned = layers, size, turned
        self._wide = {item: LANE if item.lane else size[item.node][0] for row in layers.layers for item in row}
        self._middle = across(layers, self._wide, GAP)
        self._of_layer: dict[int, list[Link]] = defaultdict(list)  # what leads to a layer
        for link in layers.links:
            self._of_layer[link.target.layer].append(link)
        self._deep = [max((self._long(item) for item in row), default=0.0) for row in layers.layers]
        self._tracks = [_tracks(self._of_layer[number], self._middle) for number in range(len(layers.layers))]
        self._channel = [CHANNEL + LANE * len(set(tracks.values())) for tracks in self._tracks]
        self._breadth = max(middle + self._wide[item] / 2 for item, middle in self._middle.items())
        self._begin: list[Point] = []  # of each layer: across, along
        self._strips = self._fold()

    def done(self) -> Layout:
        boxes = {}
        for row in self._layers.layers:
            for item in row:
                if not item.lane:
                    boxes[item.node] = self._box(item)
        lines = [line for number in range(1, len(self._layers.layers)) for line in self._lines(number)]
        breadth = max([box.left + box.width for box in boxes.values()] + [x for line in lines for x, _ in line.points])
        length = max([box.top + box.height for box in boxes.values()] + [y for line in lines for _, y in line.points])
        if not self._turned:
            return Layout(boxes, lines, breadth, length, False)
        turned_lines = [line._replace(points=tuple((y, x) for x, y in line.points)) for line in lines]
        turned = {node: Box(box.top, box.left, box.height, box.width) for node, box in boxes.items()}
        return Layout(turned, turned_lines, length, breadth, True)

    def _long(self, item: Item) -> float:
        return 0.0 if item.lane else self._size[item.node][1]

    def _fold(self) -> list[_Strip]:
        """Begin a new strip where the one before is as long as it should be."""
        whole = sum(self._deep) + sum(self._channel[1:])
        aspect = 1 / ASPECT if self._turned else ASPECT
        strips = max(1, round(sqrt(aspect * whole / max(self._breadth, 1.0)))) if whole > FOLD else 1
        longest = whole / strips
        found: list[_Strip] = []
        first, along, left = 0, 0.0, 0.0
        for number, deep in enumerate(self._deep):
            begin = along + self._channel[number] if number > first else self._channel[0] * (strips > 1)
            if number > first and begin + deep > longest + 1:
                found.append(_Strip(first, number - 1, along))
                left += self._breadth + self._gutter(number)
                first, begin = number, self._channel[number]
            self._begin.append((left, begin))
            along = begin + deep
        return [*found, _Strip(first, len(self._deep) - 1, along)]

    def _gutter(self, number: int) -> float:
        """Between two strips: room for the lines that lead from one to the next, to the layer of that number."""
        return 2 * CHANNEL + LANE * len(set(self._tracks[number].values()))

    def _box(self, item: Item) -> Box:
        left, begin = self._begin[item.layer]
        wide, long = self._size[item.node]
        return Box(left + self._middle[item] - wide / 2, begin, wide, long)

    def _lines(self, number: int) -> list[Line]:
        """What leads to the layer of that number."""
        strip = next(strip for strip in self._strips if strip.first <= number <= strip.last)
        turn = self._turned_over if number == strip.first else self._straight
        lines = []
        for link in self._of_layer[number]:
            enters = None if link.target.lane else link.target.node
            lines.append(Line(link.edges, _simple(turn(link, self._tracks[number][link])), enters))
            if link.target.lane:  # the lane itself, beside the boxes of its layer
                (x, y), deep = self._entry(link.target), self._deep[number]
                lines.append(Line(link.edges, ((x, y), (x, y + deep)), None))
        return lines

    def _entry(self, item: Item) -> Point:
        left, begin = self._begin[item.layer]
        return left + self._middle[item], begin

    def _exit(self, item: Item) -> Point:
        left, begin = self._begin[item.layer]
        return left + self._middle[item], begin + (self._deep[item.layer] if item.lane else self._long(item))

    def _straight(self, link: Link, track: int) -> list[Point]:
        (x1, y1), (x2, y2) = self._exit(link.source), self._entry(link.target)
        if abs(x1 - x2) <= NEAR and not link.target.lane:
            return [(x1, y1), (x1, y2)]
        level = y2 - self._channel[link.target.layer] + CHANNEL / 2 + LANE * (track + 0.5)
        return [(x1, y1), (x1, level), (x2, level), (x2, y2)]

    def _turned_over(self, link: Link, track: int) -> list[Point]:
        """To the beginning of the next strip: down, to the gutter, up beside the strip, and in."""
        (x1, y1), (x2, y2) = self._exit(link.source), self._entry(link.target)
        left, begin = self._begin[link.target.layer]
        strip = next(strip for strip in self._strips if strip.last == link.source.layer)
        low = strip.end + CHANNEL / 2 + LANE * track
        beside = left - CHANNEL - LANE * track
        high = begin - CHANNEL / 2 - LANE * track
        return [(x1, y1), (x1, low), (beside, low), (beside, high), (x2, high), (x2, y2)]


def _tracks(links: Sequence[Link], middle: Mapping[Item, float]) -> dict[Link, int]:
    """Which track each link takes between two layers. Those of one item share theirs: all that leave it, or all that
    come to it, whichever are more."""
    leaving, coming = Counter(link.source for link in links), Counter(link.target for link in links)
    shared: dict[Item, list[Link]] = defaultdict(list)
    for link in links:
        shared[link.source if leaving[link.source] >= coming[link.target] else link.target].append(link)
    spans = []
    for together in shared.values():
        ends = [middle[item] for link in together for item in (link.source, link.target)]
        spans.append((min(ends), max(ends), together))
    found: dict[Link, int] = {}
    right: list[float] = []  # where each track is taken until
    for low, high, together in sorted(spans, key=lambda span: span[:2]):
        track = 0
        if high > low:
            track = next((number for number, until in enumerate(right) if until + LANE <= low), len(right))
            right[track : track + 1] = [high]
        found.update(dict.fromkeys(together, track))
    return found


def _simple(points: Sequence[Point]) -> tuple[Point, ...]:
    """Without the points that change nothing."""
    kept = [points[0]]
    for place, point in enumerate(points[1:], 1):
        behind = points[place + 1] if place + 1 < len(points) else None
        same = behind is not None and (kept[-1][0] == point[0] == behind[0] or kept[-1][1] == point[1] == behind[1])
        if not same and point != kept[-1]:
            kept.append(point)
    return tuple(kept)
