"""A workflow as the flow sees it: nodes, and edges labelled with the outlet that takes them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from engine.states import RequestStatus

END = "end"  # the implicit end, completed, that `next: end` leads to
SUCCESS = "success"
FAILURE = "failure"

# Kinds that nothing executes: reached, they are done in the same transaction.
INSTANT_KINDS = frozenset({"end", "branch", "merge"})
# Kinds whose result a person may provide by hand.
INPUT_KINDS = frozenset({"action", "function"})


class Edge(NamedTuple):
    """``source`` leads to ``target`` when it leaves by ``outlet``.

    A decision's outlets are the names of the nodes it leads to; all edges of a branch carry SUCCESS.
    """

    source: str
    outlet: str
    target: str


class GraphNode(NamedTuple):
    """``end_status`` and ``cancel_others`` only for kind "end"."""

    id: str
    kind: str
    end_status: RequestStatus | None = None
    cancel_others: bool = False


class Graph:
    """An acyclic graph with one start. ``nodes`` is in topological order, the start first."""

    def __init__(self, nodes: Mapping[str, GraphNode], edges: tuple[Edge, ...], start: str) -> None:
        self.nodes = dict(nodes)
        self.edges = edges
        self.start = start
        self.incoming: dict[str, tuple[Edge, ...]] = dict.fromkeys(nodes, ())
        self.outgoing: dict[str, tuple[Edge, ...]] = dict.fromkeys(nodes, ())
        for edge in edges:
            self.incoming[edge.target] += (edge,)
            self.outgoing[edge.source] += (edge,)
        self._behind: dict[str, tuple[str, ...]] = {}

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Topological position of each node."""
        return {node: place for place, node in enumerate(self.nodes)}

    def outlets(self, node: str) -> frozenset[str]:
        """The paths a node may leave by."""
        return frozenset(edge.outlet for edge in self.outgoing[node])

    def behind(self, node: str) -> tuple[str, ...]:
        """Every node that can be reached from ``node`` (itself left out), in topological order."""
        if node not in self._behind:
            found: set[str] = set()
            frontier = [node]
            while frontier:
                for edge in self.outgoing[frontier.pop()]:
                    if edge.target not in found:
                        found.add(edge.target)
                        frontier.append(edge.target)
            self._behind[node] = tuple(sorted(found, key=self.position.__getitem__))
        return self._behind[node]
