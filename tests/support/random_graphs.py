"""Random workflows of every kind of node, and random edits of them."""

from __future__ import annotations

import random
from itertools import count

from engine.graph import APPROVED, FAILURE, REJECTED, SUCCESS, Edge, Graph, GraphNode
from engine.states import RequestStatus

KINDS = ("action", "action", "function", "decision", "branch", "merge", "sync", "approval", "delay", "callback")
_ALIKE = ("action", "function", "approval", "callback")  # they leave by one of two paths
ENDS = {
    "end": GraphNode("end", "end", RequestStatus.COMPLETED),
    "bad": GraphNode("bad", "end", RequestStatus.FAILED, cancel_others=True),
    "no": GraphNode("no", "end", RequestStatus.REJECTED),
}


def any_graph(seed: random.Random, size: int) -> Graph:
    """``size`` nodes of every kind, each reachable, each leading to an end; some ends cancel what still runs."""
    names = [f"n{place}" for place in range(size)]
    nodes: dict[str, GraphNode] = {}
    edges: list[Edge] = []
    inner: dict[str, tuple[GraphNode, ...]] = {}
    for place, name in enumerate(names):
        later = [*names[place + 1 :], "end"]
        kind = seed.choice(KINDS) if place < size - 1 else "action"
        nodes[name] = GraphNode(name, kind)
        edges += _ways(seed, name, kind, later)
        if kind == "sync":
            kinds = seed.choices(("action", "function"), k=seed.randint(1, 3))
            inner[name] = tuple(GraphNode(f"{name}_{i}", one) for i, one in enumerate(kinds))
    reached = {edge.target for edge in edges}
    nodes |= {name: end for name, end in ENDS.items() if name in reached}
    return Graph(nodes, tuple(edges), "n0", inner)


def _ways(seed: random.Random, name: str, kind: str, later: list[str]) -> list[Edge]:
    follow = later[0]
    if kind in ("decision", "branch"):
        targets = dict.fromkeys([follow, *seed.sample(later, k=min(len(later), 2))])
        return [Edge(name, target if kind == "decision" else SUCCESS, target) for target in targets]
    edges = [Edge(name, APPROVED if kind == "approval" else SUCCESS, follow)]
    if kind in ("action", "function", "callback", "sync", "approval") and seed.random() < 0.4:
        other = REJECTED if kind == "approval" else FAILURE
        edges.append(Edge(name, other, seed.choice([*later, "bad", "no"])))
    return edges


def edited(graph: Graph, seed: random.Random) -> Graph:
    """Another version: one more step on some path, or one less, or one of another kind."""
    edge = seed.choice(graph.edges)
    if seed.random() < 0.3 and graph.nodes[edge.source].kind in _ALIKE:
        return _of_another_kind(graph, edge.source, seed.choice(_ALIKE))
    if seed.random() < 0.3 and graph.nodes[edge.source].kind in ("action", "sync") and edge.source != graph.start:
        return _without(graph, edge)
    name = next(one for one in (f"x{number}" for number in count()) if one not in graph.nodes)
    nodes: dict[str, GraphNode] = {}
    for node, facts in graph.nodes.items():
        nodes[node] = facts
        if node == edge.source:
            nodes[name] = GraphNode(name, "action")
    edges = [one for one in graph.edges if one != edge]
    edges += [Edge(edge.source, edge.outlet, name), Edge(name, SUCCESS, edge.target)]
    return Graph(nodes, tuple(edges), graph.start, graph.inner)


def _of_another_kind(graph: Graph, node: str, kind: str) -> Graph:
    """It leads where it led, by the paths of its new kind."""
    called = {APPROVED: SUCCESS, REJECTED: FAILURE}
    if kind == "approval":
        called = {SUCCESS: APPROVED, FAILURE: REJECTED}
    edges = [
        edge._replace(outlet=called.get(edge.outlet, edge.outlet)) if edge.source == node else edge
        for edge in graph.edges
    ]
    return Graph(graph.nodes | {node: GraphNode(node, kind)}, tuple(edges), graph.start, graph.inner)


def _without(graph: Graph, edge: Edge) -> Graph:
    """Without the source of ``edge``: what led to it leads to where that led."""
    gone = edge.source
    nodes = {name: facts for name, facts in graph.nodes.items() if name != gone}
    edges = [one if one.target != gone else one._replace(target=edge.target) for one in graph.edges]
    inner = {name: steps for name, steps in graph.inner.items() if name != gone}
    return Graph(nodes, tuple(one for one in edges if one.source != gone), graph.start, inner)
