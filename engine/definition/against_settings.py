"""What only the settings know: registered functions, connections, and whether callbacks can reach us."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from engine import templates
from engine.definition.checks import template_texts
from engine.definition.node import Node
from engine.definition.nodes import ActionNode, FunctionNode, SyncNode
from engine.definition.problems import Problem, instead
from engine.definition.workflow import Workflow
from engine.templates.context import CALLBACK_URL
from engine.values.paths import Path


def missing_in_settings(
    workflow: Workflow,
    functions: Collection[str] | None,
    connections: Collection[str] | None,
    public_url: bool | None = None,
) -> tuple[Problem, ...]:
    """Functions and connections that do not exist, and addresses that cannot be given: ``public_url`` says whether
    api.public_url is set. None for any of the three: it is not known, so not checked."""
    found: list[Problem] = []

    def compare(path: Path, what: str, name: str, known: Collection[str] | None, where: str) -> None:
        if known is not None and name not in known:
            mend = instead(name, sorted(known)) if known else where
            found.append(workflow.places.problem(path, f"there is no {what} `{name}`; {mend}"))

    for node, path in workflow.steps.values():
        if isinstance(node, FunctionNode):
            where = "name the module that registers it under `functions` in the settings"
            compare((*path, "function", "name"), "function", node.function.name, functions, where)
        elif isinstance(node, ActionNode):
            where = "add it under `connections` in the settings"
            compare((*path, "action", "connection"), "connection", node.action.connection, connections, where)
        if public_url is False and not isinstance(node, SyncNode):
            why = f"asks for {CALLBACK_URL}, but nobody outside could call it; set api.public_url in the settings"
            found += [workflow.places.problem(place, why) for place in _asking(node, path)]
    return tuple(found)


def _asking(node: Node, path: Path) -> Iterator[Path]:
    """The places of a node's templates that ask for a callback's address."""
    if not node.callbacks:
        return
    for place, value in node.values():
        for source, where in template_texts(value, (*path, *place)):
            if templates.inspect(source).callbacks:
                yield where
