"""A workflow as the flow sees it: nodes, and edges labelled with the outlet that takes them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from engine.states import RequestStatus

END = "end"  # the implicit end, completed, that `next: end` leads to
SUCCESS = "success"
FAILURE = "failure"
APPROVED = "approved"
REJECTED = "rejected"

# Kinds that nothing executes: reached, they are done in the same transaction.
INSTANT_KINDS = frozenset({"end", "branch", "merge"})
# Kinds whose result a person may provide by hand.
INPUT_KINDS = frozenset({"action", "function"})
# Kinds that wait for something outside, held by no worker, with their attempt open meanwhile.
OPEN_KINDS = frozenset({"approval", "delay", "callback"})
# Of these, the kinds that are answered by somebody; a waiting one may be re-triggered (SPEC 1).
ANSWERED_KINDS = frozenset({"approval", "callback"})


class Edge(NamedTuple):
    """``source`` leads to ``target`` when it leaves by ``outlet``.

    A decision's outlets are the names of the nodes it leads to; all edges of a branch carry SUCCESS.
    """

    source: str
    outlet: str
    target: str


class GraphNode(NamedTuple):
    """``end_status`` and ``cancel_others`` only for kind "end", ``connection`` only for actions. ``callbacks``: those
    whose address it gives out."""

    id: str
    kind: str
    end_status: RequestStatus | None = None
    cancel_others: bool = False
    connection: str | None = None
    callbacks: frozenset[str] = frozenset()


class Graph:
    """An acyclic graph with one start. ``nodes`` is in topological order, the start first.

    ``inner``: the steps inside each sync block, in order. They are run as a part of it, so no edge leads to them.
    """

    def __init__(
        self,
        nodes: Mapping[str, GraphNode],
        edges: tuple[Edge, ...],
        start: str,
        inner: Mapping[str, tuple[GraphNode, ...]] | None = None,
    ) -> None:
        self.nodes = dict(nodes)
        self.edges = edges
        self.start = start
        self.inner = dict(inner or {})
        self.block_of = {step.id: block for block, steps in self.inner.items() for step in steps}
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

    @cached_property
    def rows(self) -> Mapping[str, str]:
        """Every step that a request has a row for, with its kind; inner steps right behind their block."""
        found = {}
        for name, node in self.nodes.items():
            found[name] = node.kind
            found.update((step.id, step.kind) for step in self.inner.get(name, ()))
        return found

    @cached_property
    def callers(self) -> Mapping[str, frozenset[str]]:
        """The steps that give out the address of each callback: whoever they call will call it."""
        steps = [*self.nodes.values(), *(step for inside in self.inner.values() for step in inside)]
        asked = frozenset().union(*(step.callbacks for step in steps))
        return {node: frozenset(step.id for step in steps if node in step.callbacks) for node in asked}

    @cached_property
    def outlets(self) -> Mapping[str, frozenset[str]]:
        """The paths each node may leave by."""
        return {node: frozenset(edge.outlet for edge in edges) for node, edges in self.outgoing.items()}

    def unit(self, node: str) -> tuple[str, ...]:
        """What is re-triggered, cancelled and taken back together: a node, and the steps inside it."""
        return (node, *(step.id for step in self.inner.get(node, ())))

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
