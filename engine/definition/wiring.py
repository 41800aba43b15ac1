"""From nodes to the graph: edges, topological order, and what keeps a graph from being one."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping

from engine.definition.node import Node
from engine.definition.work import SyncNode
from engine.graph import END, Edge, Graph, GraphNode
from engine.states import RequestStatus


def wire(nodes: tuple[Node, ...]) -> Graph:
    """The graph of nodes that were checked; the first is the start. In topological order, and else in the file's."""
    edges = edges_of(nodes)
    known = {node.id: node.in_graph() for node in nodes}
    if any(edge.target == END for edge in edges):
        known[END] = GraphNode(END, "end", RequestStatus.COMPLETED)
    inner = {
        node.id: tuple(step.in_graph() for step in node.inner.values()) for node in nodes if isinstance(node, SyncNode)
    }
    return Graph({node: known[node] for node in ordered(known, edges)}, edges, nodes[0].id, inner)


def edges_of(nodes: Iterable[Node]) -> tuple[Edge, ...]:
    """Each way between two nodes once, whatever number of a decision's cases lead along it."""
    return tuple(dict.fromkeys(Edge(node.id, link.outlet, link.target) for node in nodes for link in node.links()))


def ordered(nodes: Collection[str], edges: Iterable[Edge]) -> list[str]:
    """The nodes so that each stands behind all that lead to it; nodes on or behind a cycle are left out."""
    position = {node: place for place, node in enumerate(nodes)}
    names = list(nodes)
    targets, waiting = _targets(nodes, edges)
    free = [position[node] for node in nodes if not waiting[node]]
    heapq.heapify(free)
    order = []
    while free:
        node = names[heapq.heappop(free)]
        order.append(node)
        for target in targets[node]:
            waiting[target] -= 1
            if not waiting[target]:
                heapq.heappush(free, position[target])
    return order


def reachable(start: str, edges: Iterable[Edge]) -> set[str]:
    """The start and everything behind it."""
    targets: dict[str, list[str]] = {}
    for edge in edges:
        targets.setdefault(edge.source, []).append(edge.target)
    found, frontier = {start}, [start]
    while frontier:
        new = [target for target in targets.get(frontier.pop(), ()) if target not in found]
        found.update(new)
        frontier.extend(new)
    return found


def cycles(nodes: Collection[str], edges: Collection[Edge], most: int = 10) -> list[list[str]]:
    """Cycles that share no node, each from its first node in the file, at most ``most`` of them."""
    found: list[list[str]] = []
    position = {node: place for place, node in enumerate(nodes)}
    left: Collection[str] = nodes
    while len(found) < most:
        inside = [edge for edge in edges if edge.source in position and edge.target in position]
        done = set(ordered(left, inside))
        left = [node for node in left if node not in done]
        if not left:
            break
        cycle = _cycle(left, inside, done)
        first = cycle.index(min(cycle, key=position.__getitem__))
        found.append(cycle[first:] + cycle[:first])
        left = [node for node in left if node not in cycle]
        position = {node: position[node] for node in left}
    return found


def _cycle(left: Collection[str], edges: Iterable[Edge], done: set[str]) -> list[str]:
    """A cycle among nodes of which each has another of them before it: walk back until one comes again."""
    before = {edge.target: edge.source for edge in edges if edge.source not in done and edge.target not in done}
    walked: dict[str, None] = {}
    node = next(iter(left))
    while node not in walked:
        walked[node] = None
        node = before[node]
    path = list(walked)
    return path[path.index(node) :][::-1]


def _targets(nodes: Collection[str], edges: Iterable[Edge]) -> tuple[Mapping[str, list[str]], dict[str, int]]:
    targets: dict[str, list[str]] = {node: [] for node in nodes}
    waiting = dict.fromkeys(nodes, 0)
    for edge in edges:
        targets[edge.source].append(edge.target)
        waiting[edge.target] += 1
    return targets, waiting
