"""What only the settings know: the functions that are registered, the connections that there are."""

from __future__ import annotations

from collections.abc import Collection

from engine.definition.nodes import ActionNode, FunctionNode
from engine.definition.problems import Path, Problem, instead
from engine.definition.workflow import Workflow


def check(
    workflow: Workflow, functions: Collection[str] | None, connections: Collection[str] | None
) -> tuple[Problem, ...]:
    """Names of functions and connections that do not exist. None for a collection: it is not known, so not checked."""
    found: list[Problem] = []

    def compare(path: Path, what: str, name: str, known: Collection[str] | None, where: str) -> None:
        if known is not None and name not in known:
            mend = instead(name, sorted(known)) if known else where
            found.append(workflow.places.problem(path, f"there is no {what} `{name}`; {mend}"))

    for node in workflow.nodes.values():
        path = ("nodes", node.id)
        if isinstance(node, FunctionNode):
            where = "name the module that registers it under `functions` in the settings"
            compare((*path, "function", "name"), "function", node.function.name, functions, where)
        elif isinstance(node, ActionNode):
            where = "add it under `connections` in the settings"
            compare((*path, "action", "connection"), "connection", node.action.connection, connections, where)
    return tuple(found)
