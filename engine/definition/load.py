"""From the text of a file to a workflow that can be published, or every reason why not."""

from __future__ import annotations

from typing import Any

from engine.definition.checks import check_graph, check_head, check_node
from engine.definition.fields import ID, described, names, validated
from engine.definition.nodes import LATER_KINDS, NODE_KINDS, Node
from engine.definition.problems import Report, instead, listed
from engine.definition.source import read
from engine.definition.workflow import Workflow
from engine.graph import END
from engine.limits import MAX_DEFINITION_NODES

RESERVED = frozenset({"end", "flow", "input", "continue", "withdraw"})


def load(text: str, file: str) -> Workflow:
    """The workflow of a file's text: YAML, or JSON where ``file`` ends with .json. Raises DefinitionError.

    ``file`` is only a name, for problems; nothing is opened. Problems of form are told together, and when there is
    none, those of the whole graph: a graph with a broken node would seem broken everywhere.
    """
    report = Report(file)
    raw = read(text, report)
    if not isinstance(raw, dict):
        report.add((), "a definition is a mapping; begin with `workflow: <name>`, `app: <name>` and `nodes:`")
        report.fail()
    nodes = _read_nodes(raw.get("nodes"), report)
    workflow = validated(Workflow, {**raw, "nodes": nodes}, report, ())
    ids = raw["nodes"] if isinstance(raw.get("nodes"), dict) else {}
    if workflow is not None:
        check_head(workflow, ids, report)
    for node in nodes.values():
        check_node(node, ids, raw.get("constants"), report)
    report.fail_if_any()
    assert workflow is not None
    check_graph(workflow, report)
    report.fail_if_any()
    return workflow.at(report.places)


def _read_nodes(raw: Any, report: Report) -> dict[str, Node]:
    if not isinstance(raw, dict) or not raw:
        what = "is missing" if raw is None else f"is {described(raw) if raw else 'empty'}"
        report.add(("nodes",), f"{what}; write at least one node, such as {{done: {{end: {{status: completed}}}}}}")
        return {}
    if len(raw) > MAX_DEFINITION_NODES:
        report.add(("nodes",), f"has {len(raw):,} nodes; split the workflow, {MAX_DEFINITION_NODES:,} are the most")
        report.fail()
    following = dict(zip(raw, [*list(raw)[1:], END], strict=True))
    found = ((name, _read_node(name, body, following[name], report)) for name, body in raw.items())
    return {name: node for name, node in found if node is not None}


def _read_node(name: str, body: Any, following: str, report: Report) -> Node | None:
    path = ("nodes", name)
    if name in RESERVED:
        report.add(path, f"`{name}` is reserved; write another id, such as {name}_step")
    elif not ID.fullmatch(name):
        report.add(path, f"{described(name)} is no id; write small letters, digits and _, a letter first, 60 at most")
    if not isinstance(body, dict):
        report.add(path, f"is {described(body)}; write a mapping with one of {listed(NODE_KINDS)}")
        return None
    model = _kind_of(name, body, report)
    if model is None:
        return None
    if "id" in body:
        report.add((*path, "id"), f"is not known; {instead('id', names(model))}")
    if model.needs_next and "next" not in body:
        body = {**body, "next": following}
    return validated(model, {**body, "id": name}, report, path)


def _kind_of(name: str, body: dict[str, Any], report: Report) -> type[Node] | None:
    """The model of a node, by the one key that says what it does."""
    path = ("nodes", name)
    kinds = [key for key in body if key in NODE_KINDS or key in LATER_KINDS]
    if len(kinds) == 1 and kinds[0] in NODE_KINDS:
        return NODE_KINDS[kinds[0]]
    if len(kinds) == 1:
        message = f"node kind `{kinds[0]}` is not available yet; use {listed(NODE_KINDS)}"
        report.add((*path, kinds[0]), message)
    elif kinds:
        named = " and ".join(f"`{kind}`" for kind in kinds)
        report.add(path, f"is {named} at once; keep one, and make a node of each other")
    else:
        meant = next((key for key in body if instead(key, NODE_KINDS).startswith("did")), None)
        mend = instead(meant, NODE_KINDS) if meant else f"write one of {listed(NODE_KINDS)}"
        report.add((*path, meant) if meant else path, f"says not what it does; {mend}")
    return None
