"""All nodes together: each can be reached, none leads back to itself, templates name what can have run before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine import templates
from engine.definition.checks import template_texts
from engine.definition.node import Node
from engine.definition.nodes import CallbackNode, SyncNode
from engine.definition.problems import Report
from engine.definition.wiring import cycles, edges_of, ordered, reachable
from engine.definition.workflow import Workflow
from engine.graph import END, FAILURE, Edge
from engine.values.paths import Path


def check_graph(workflow: Workflow, report: Report) -> None:
    """A workflow whose nodes are right, each by itself."""
    nodes = tuple(workflow.nodes.values())
    edges = edges_of(nodes)
    found = reachable(nodes[0].id, edges)
    for node in nodes:
        if node.id not in found:
            mend = "name it in a next, on_failure, decision or branch of another node, or remove it"
            report.add(("nodes", node.id), f"nothing leads to this node; {mend}")
    ids = [*workflow.nodes, END]
    circles = cycles(ids, edges)
    for circle in circles:
        way = " → ".join([*circle, circle[0]])
        report.add(("nodes", circle[-1]), f"leads back to itself: {way}; lead it on to another node, or to end")
    if not circles:
        before = _Before(workflow, ordered(ids, edges), edges)
        for step, path in workflow.steps.values():
            if not isinstance(step, SyncNode):  # what its templates name, its inner steps name
                _check_step(step, path, workflow, before, report)


class _Before:
    """What can have run before each step. A set of steps is an int, a bit each: long workflows cost little.

    ``ran``: the steps that can have run; ``gave``: those that can have given a result.
    """

    def __init__(self, workflow: Workflow, order: list[str], edges: Iterable[Edge]) -> None:
        self.bit = {step: 1 << place for place, step in enumerate([*workflow.steps, END])}
        self.ran, self.gave = dict.fromkeys(self.bit, 0), dict.fromkeys(self.bit, 0)
        outgoing: dict[str, list[Edge]] = {node: [] for node in order}
        for edge in edges:
            outgoing[edge.source].append(edge)
        for name in order:
            node = workflow.nodes.get(name)
            inside = self._go_through(node) if isinstance(node, SyncNode) else [0]
            for edge in outgoing[name]:
                self._go_along(edge, inside)

    def _go_through(self, block: SyncNode) -> list[int]:
        """The sets of inner steps that can be done one after another: none, the first, ... all of them."""
        done = [0]
        for step in block.inner:
            self.ran[step] = self.ran[block.id] | done[-1]
            self.gave[step] = self.gave[block.id] | done[-1]
            done.append(done[-1] | self.bit[step])
        return done

    def _go_along(self, edge: Edge, inside: list[int]) -> None:
        done = given = self.bit[edge.source] | inside[-1]
        if edge.outlet == FAILURE:  # a block that failed has tried its last step, at most, and that one gave nothing
            given = inside[-2] if len(inside) > 1 else 0
        self.ran[edge.target] |= self.ran[edge.source] | done
        self.gave[edge.target] |= self.gave[edge.source] | given


def _check_step(step: Node, path: Path, workflow: Workflow, before: _Before, report: Report) -> None:
    for syntax, where in _templates(step, path):
        for other, part in sorted({(str(named[1]), named[2]) for named in syntax.paths if named[0] == "nodes"}):
            known = workflow.node(other)
            if not known.gives_result:
                report.add(where, f"names `{other}`, a node of kind {known.kind}, which gives no result; name another")
            elif not before.ran[step.id] & before.bit[other]:
                report.add(where, f"names `{other}`, which cannot have run before `{step.id}`; name a node before it")
            elif part == "result" and not before.gave[step.id] & before.bit[other]:
                report.add(where, f"names the result of `{other}`, which has failed on every way here; use its error")
        for other in sorted(syntax.callbacks):
            known = workflow.node(other)
            if not isinstance(known, CallbackNode):
                mend = "name a callback node"
                report.add(where, f"asks for the address of `{other}`, a node of kind {known.kind}; {mend}")
            elif not before.ran[other] & before.bit[step.id]:
                mend = "ask in a step before it"
                report.add(where, f"asks for the address of `{other}`, which is not behind `{step.id}`; {mend}")


def _templates(step: Node, path: Path) -> Iterator[tuple[templates.Syntax, Path]]:
    for place, value in step.values():
        for source, where in template_texts(value, (*path, *place)):
            yield templates.inspect(source), where
