"""Which layer each node of a graph is drawn in, and in which order: the layers of the longest path from the start, put
in order by the middle of each node's neighbours (Sugiyama's method). Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine.graph import Edge, Graph

_SWEEPS = 24  # of ordering and of moving; more change nothing that a person sees
_MOST = 24  # nodes in one layer: what more could stand there stands in the next one


class Item(NamedTuple):
    """A node in its layer; or a ``lane`` in a layer between, through which the lines "from" that node, or "to" it, pass
    together."""

    node: str
    layer: int
    lane: str = ""


class Link(NamedTuple):
    """What is drawn between two layers that follow one another; it is a part of ``edges``."""

    source: Item
    target: Item
    edges: frozenset[Edge]


class Layers(NamedTuple):
    """The items of each layer in their order, and what links them."""

    layers: Sequence[Sequence[Item]]
    links: Sequence[Link]


def layers_of(graph: Graph) -> Layers:
    """The layers of a graph, its start in the first."""
    layer = _layer_of(graph)
    linked = _linked(graph, layer)
    items: dict[Item, None] = {Item(node, layer[node]): None for node in graph.nodes}
    for source, target in linked:
        items.update({source: None, target: None})
    rows: list[list[Item]] = [[] for _ in range(max(layer.values(), default=0) + 1)]
    for item in items:
        rows[item.layer].append(item)
    links = [Link(source, target, frozenset(edges)) for (source, target), edges in linked.items()]
    return Layers(_ordered(rows, links), links)


def _layer_of(graph: Graph) -> dict[str, int]:
    layer: dict[str, int] = {}
    taken: Counter[int] = Counter()
    for node in graph.nodes:  # in topological order
        at = max((layer[edge.source] + 1 for edge in graph.incoming[node]), default=0)
        while taken[at] >= _MOST:
            at += 1
        layer[node] = at
        taken[at] += 1
    return layer


def _linked(graph: Graph, layer: Mapping[str, int]) -> dict[tuple[Item, Item], set[Edge]]:
    """Each edge in parts of one layer. A node that many lead to, or that leads to many, does so by one lane."""
    linked: dict[tuple[Item, Item], set[Edge]] = defaultdict(set)
    for edge in graph.edges:
        leads = len(graph.outgoing[edge.source]) > len(graph.incoming[edge.target])
        lane = (edge.source, "from") if leads else (edge.target, "to")
        before = Item(edge.source, layer[edge.source])
        for at in range(before.layer + 1, layer[edge.target] + 1):
            item = Item(lane[0], at, lane[1]) if at < layer[edge.target] else Item(edge.target, at)
            linked[before, item].add(edge)
            before = item
    return linked


def _ordered(rows: list[list[Item]], links: Sequence[Link]) -> list[list[Item]]:
    above, below = neighbours(links)
    place = {item: float(number) for row in rows for number, item in enumerate(row)}
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        near = above if down else below
        for row in rows if down else reversed(rows):
            middle = {item: _mean([place[other] for other in near[item]], place[item]) for item in row}
            row.sort(key=lambda item: middle[item])
            place.update((item, float(number)) for number, item in enumerate(row))
    return rows


def neighbours(links: Sequence[Link]) -> tuple[dict[Item, list[Item]], dict[Item, list[Item]]]:
    """Of each item, those that are linked to it in the layer above, and in the layer below."""
    above: dict[Item, list[Item]] = defaultdict(list)
    below: dict[Item, list[Item]] = defaultdict(list)
    for link in links:
        above[link.target].append(link.source)
        below[link.source].append(link.target)
    return above, below


def across(layers: Layers, size: Mapping[Item, float], gap: float) -> dict[Item, float]:
    """The middle of each item, across the layers: as near to its neighbours as their sizes allow. None is negative."""
    above, below = neighbours(layers.links)
    at: dict[Item, float] = {}
    for row in layers.layers:
        at.update(_spread(row, dict.fromkeys(row, 0.0), size, gap))
    for sweep in range(_SWEEPS):
        rows = layers.layers if sweep % 2 == 0 else list(reversed(layers.layers))
        for row in rows:
            wished = {item: _mean([at[other] for other in (*above[item], *below[item])], at[item]) for item in row}
            at.update(_spread(row, wished, size, gap))
    for row in layers.layers:  # what simply follows another stands in line with it, however far the sweeps came
        straight = {item: at[above[item][0]] if _follows(item, above, below) else at[item] for item in row}
        at.update(_spread(row, straight, size, gap))
    left = min((middle - size[item] / 2 for item, middle in at.items()), default=0.0)
    return {item: middle - left for item, middle in at.items()}


def _follows(item: Item, above: Mapping[Item, Sequence[Item]], below: Mapping[Item, Sequence[Item]]) -> bool:
    return len(above[item]) == 1 and len(below[above[item][0]]) == 1


def _spread(
    row: Sequence[Item], wished: Mapping[Item, float], size: Mapping[Item, float], gap: float
) -> dict[Item, float]:
    """The middles that are nearest to what is ``wished`` and keep the order and the gaps: neighbours that want to be
    nearer to one another are moved together, to their common middle."""
    groups: list[tuple[float, int]] = []  # where a group's first item wants to be, with all gaps taken out; how many
    offset, offsets = 0.0, []
    for number, item in enumerate(row):
        if number:
            offset += (size[row[number - 1]] + size[item]) / 2 + gap
        offsets.append(offset)
        wish, count = wished[item] - offset, 1
        while groups and groups[-1][0] > wish:
            before, many = groups.pop()
            wish, count = (before * many + wish * count) / (many + count), many + count
        groups.append((wish, count))
    firsts = [wish for wish, count in groups for _ in range(count)]
    return {item: first + moved for item, first, moved in zip(row, firsts, offsets, strict=True)}


def _mean(numbers: Sequence[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise
