"""What pydantic cannot see in one node: where it leads to, the names in its templates, its JSON Schemas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from engine import templates
from engine.definition.bodies import Ids
from engine.definition.node import Link, Node
from engine.definition.problems import Report, instead
from engine.definition.schemas import schema_problems
from engine.definition.workflow import Workflow
from engine.graph import END
from engine.values.paths import Path, dotted

_SENSITIVE = re.compile(r"(?:request\.input|nodes\.(?P<node>[a-z0-9_]+)\.result)(?:\.[^.\s]+)*")


def check_head(workflow: Workflow, ids: Ids, report: Report) -> None:
    """Title, input_schema, sensitive paths and constants."""
    for source, path in template_texts(workflow.title, ("title",)):
        _check_title(_syntax(source, path, report), workflow.constants, report)
    for place, message in schema_problems(workflow.input_schema or {}):
        report.add(("input_schema", *place), message)
    for at, text in enumerate(workflow.sensitive):
        match = _SENSITIVE.fullmatch(text)
        if match is None:
            report.add(("sensitive", at), f"is `{text}`; write request.input.<key> or nodes.<id>.result.<key>")
        elif match["node"] and match["node"] not in ids:
            report.add(("sensitive", at), f"names no node of this workflow; {instead(match['node'], ids)}")


def check_node(node: Node, ids: Ids, constants: Any, report: Report) -> None:
    """One node by itself, with what is inside it."""
    path = ("nodes", node.id)
    for link in node.links():
        _check_target(link, ids, path, report)
    for place, schema in node.schemas():
        for inner, message in schema_problems(schema):
            report.add((*path, *place, *inner), message)
    for place, value in node.values():
        _check_keys(value, (*path, *place), report)
        for source, where in template_texts(value, (*path, *place)):
            _check_names(_syntax(source, where, report), ids, constants, where, report)


def template_texts(value: Any, path: Path) -> Iterator[tuple[str, Path]]:
    """Every template in a value, with its place."""
    return (
        (part, where) for part, where in _parts(value, path) if isinstance(part, str) and templates.is_template(part)
    )


def _check_target(link: Link, ids: Ids, path: Path, report: Report) -> None:
    if link.target == END:
        return
    if link.target not in ids:
        mend = instead(link.target, [*ids, END], "write")
        report.add((*path, *link.place), f"there is no node `{link.target}`; {mend}")
    elif block := ids[link.target]:
        report.add((*path, *link.place), f"leads into a sync block, which runs as one; write `{block}`")


def _check_title(syntax: templates.Syntax, constants: Any, report: Report) -> None:
    path = ("title",)
    for named in syntax.paths:
        _check_constant(named, constants, path, report)
        if named[0] == "nodes" or named[:2] == ("request", "id"):
            why = "no node has run" if named[0] == "nodes" else "the request has no id"
            report.add(path, f"names `{dotted(named)}`, but {why} when the title is made; leave it out")
    for node in sorted(syntax.callbacks):
        report.add(path, f"asks for the address of `{node}`, which the title cannot have; leave it out")


def _check_names(syntax: templates.Syntax, ids: Ids, constants: Any, path: Path, report: Report) -> None:
    for named in syntax.paths:
        _check_constant(named, constants, path, report)
    named_nodes = dict.fromkeys(str(named[1]) for named in syntax.paths if named[0] == "nodes" and len(named) > 1)
    for node in [*named_nodes, *sorted(syntax.callbacks - named_nodes.keys())]:
        if node not in ids:
            report.add(path, f"there is no node `{node}`; {instead(node, ids)}")


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


def _syntax(source: str, path: Path, report: Report) -> templates.Syntax:
    """What a template names; nothing when something is wrong with it by itself, which is noted."""
    try:
        syntax = templates.inspect(source)
    except templates.TemplateError as error:
        report.add(path, f"{error}; write it like {{{{ request.input.name }}}}")
        return templates.NOTHING
    for message in syntax.problems:
        report.add(path, message)
    return templates.NOTHING if syntax.problems else syntax


def _check_constant(named: Path, constants: Any, path: Path, report: Report) -> None:
    if named[0] == "constants" and len(named) > 1 and isinstance(constants or {}, dict):
        known = constants or {}
        if named[1] not in known:
            report.add(path, f"there is no constant `{named[1]}`; {instead(named[1], known)}")
