"""What pydantic cannot see: names of nodes, templates, JSON Schemas, and the graph as a whole."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from engine import templates
from engine.definition.nodes import Node
from engine.definition.problems import Path, Report, dotted, instead
from engine.definition.schemas import schema_problems
from engine.definition.wiring import cycles, edges_of, ordered, reachable
from engine.definition.workflow import Workflow
from engine.graph import END, FAILURE, Edge

_SENSITIVE = re.compile(r"(?:request\.input|nodes\.(?P<node>[a-z0-9_]+)\.result)(?:\.[^.\s]+)*")


def check_head(workflow: Workflow, ids: Collection[str], report: Report) -> None:
    """Title, input_schema, sensitive paths and constants."""
    for source, path in _texts(workflow.title, ("title",)):
        for named in _check_template(source, path, report):
            _check_constant(named, workflow.constants, path, report)
            if named[0] == "nodes" or named[:2] == ("request", "id"):
                why = "no node has run" if named[0] == "nodes" else "the request has no id"
                report.add(path, f"names `{dotted(named)}`, but {why} when the title is made; leave it out")
    for place, message in schema_problems(workflow.input_schema or {}):
        report.add(("input_schema", *place), message)
    for at, text in enumerate(workflow.sensitive):
        match = _SENSITIVE.fullmatch(text)
        if match is None:
            report.add(("sensitive", at), f"is `{text}`; write request.input.<key> or nodes.<id>.result.<key>")
        elif match["node"] and match["node"] not in ids:
            report.add(("sensitive", at), f"names no node of this workflow; {instead(match['node'], ids)}")


def check_node(node: Node, ids: Collection[str], constants: Any, report: Report) -> None:
    """One node by itself: where it leads to, its schemas, the syntax and the names of its templates."""
    path = ("nodes", node.id)
    for link in node.links():
        if link.target != END and link.target not in ids:
            mend = instead(link.target, [*ids, END], "write")
            report.add((*path, *link.place), f"there is no node `{link.target}`; {mend}")
    for place, schema in node.schemas():
        for inner, message in schema_problems(schema):
            report.add((*path, *place, *inner), message)
    for place, value in node.values():
        _check_keys(value, (*path, *place), report)
        for source, where in _texts(value, (*path, *place)):
            for named in _check_template(source, where, report):
                _check_constant(named, constants, where, report)
                if named[0] == "nodes" and len(named) > 1 and named[1] not in ids:
                    report.add(where, f"there is no node `{named[1]}`; {instead(named[1], ids)}")


def check_graph(workflow: Workflow, report: Report) -> None:
    """All nodes together: each can be reached, none leads back to itself, templates name what has run before."""
    nodes = tuple(workflow.nodes.values())
    edges = edges_of(nodes)
    found = reachable(nodes[0].id, edges)
    for node in nodes:
        if node.id not in found:
            mend = "name it in a next, on_failure or decision of another node, or remove it"
            report.add(("nodes", node.id), f"nothing leads to this node; {mend}")
    ids = [*workflow.nodes, END]
    circles = cycles(ids, edges)
    for circle in circles:
        way = " → ".join([*circle, circle[0]])
        report.add(("nodes", circle[-1]), f"leads back to itself: {way}; lead it on to another node, or to end")
    if not circles:
        _check_order(workflow, ordered(ids, edges), edges, report)


def _check_order(workflow: Workflow, order: list[str], edges: tuple[Edge, ...], report: Report) -> None:
    """Whether what templates name can have run. A set of nodes is an int, a bit each: long workflows cost little."""
    bit = {node: 1 << place for place, node in enumerate(order)}
    ran, gave = dict.fromkeys(order, 0), dict.fromkeys(order, 0)
    incoming: dict[str, list[Edge]] = {node: [] for node in order}
    for edge in edges:
        incoming[edge.target].append(edge)
    for name in order:
        for edge in incoming[name]:
            ran[name] |= ran[edge.source] | bit[edge.source]
            gave[name] |= gave[edge.source] | (0 if edge.outlet == FAILURE else bit[edge.source])
    for node in workflow.nodes.values():
        for where, (_, other, part, *_) in _node_names(node):
            known = workflow.nodes[other]
            if not known.gives_result:
                report.add(where, f"names `{other}`, a node of kind {known.kind}, which gives no result; name another")
            elif not ran[node.id] & bit[other]:
                report.add(where, f"names `{other}`, which cannot have run before `{node.id}`; name a node before it")
            elif part == "result" and not gave[node.id] & bit[other]:
                report.add(where, f"names the result of `{other}`, which has failed on every way here; use its error")


def _node_names(node: Node) -> Iterator[tuple[Path, Any]]:
    for place, value in node.values():
        for source, where in _texts(value, ("nodes", node.id, *place)):
            for named in templates.inspect(source).paths:
                if named[0] == "nodes":
                    yield where, named


def _texts(value: Any, path: Path) -> Iterator[tuple[str, Path]]:
    """Every template in a value, with its place."""
    return (
        (part, where) for part, where in _parts(value, path) if isinstance(part, str) and templates.is_template(part)
    )


def _parts(value: Any, path: Path) -> Iterator[tuple[Any, Path]]:
    """A value and everything in it, with its place; without recursion."""
    stack: list[tuple[Any, Path]] = [(value, path)]
    while stack:
        value, path = stack.pop()
        yield value, path
        if isinstance(value, dict):
            stack.extend((item, (*path, key)) for key, item in value.items())
        elif isinstance(value, list):
            stack.extend((item, (*path, at)) for at, item in enumerate(value))


def _check_keys(value: Any, path: Path, report: Report) -> None:
    for _, where in _parts(value, path):
        if templates.is_template(str(where[-1])):
            report.add(where, "is a template as a key; write a literal key: only values are rendered")


def _check_template(source: str, path: Path, report: Report) -> tuple[Path, ...]:
    """Note what is wrong with one template by itself; the names in it."""
    try:
        syntax = templates.inspect(source)
    except templates.TemplateError as error:
        report.add(path, f"{error}; write it like {{{{ request.input.name }}}}")
        return ()
    for message in syntax.problems:
        report.add(path, message)
    return () if syntax.problems else syntax.paths


def _check_constant(named: Path, constants: Any, path: Path, report: Report) -> None:
    if named[0] == "constants" and len(named) > 1 and isinstance(constants or {}, dict):
        known = constants or {}
        if named[1] not in known:
            report.add(path, f"there is no constant `{named[1]}`; {instead(named[1], known)}")
