"""From the mapping under `nodes` to nodes: which kind each one is, which ids there are, where each leads by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.definition.fields import ID, described, names, validated
from engine.definition.node import Node
from engine.definition.nodes import NODE_KINDS
from engine.definition.problems import INSIDE, Report, instead, listed
from engine.definition.work import INNER_KINDS, SyncNode
from engine.graph import END
from engine.limits import MAX_DEFINITION_NODES
from engine.values.paths import Path

RESERVED = frozenset({"end", "flow", "input", "continue", "withdraw"})
_INNER = "a mapping of actions and functions by id"
_NOT_INSIDE = {
    "next": "cannot be used in a sync block, which runs its nodes in the order of the file; remove it",
    "on_failure": "cannot be used in a sync block, which fails as one; write it at the block",
    "result_schema": "cannot be used in a sync block, which takes no input by hand; remove it",
}

Ids = Mapping[str, str | None]  # every id of a file, with the sync block that the node is inside


def read_nodes(raw: Any, report: Report) -> tuple[dict[str, Node], Ids]:
    """The nodes that could be read, and the ids of all. Notes what is wrong with each node by itself."""
    if not isinstance(raw, dict) or not raw:
        what = "is missing" if raw is None else f"is {described(raw) if raw else 'empty'}"
        report.add(("nodes",), f"{what}; write at least one node, such as {{done: {{end: {{status: completed}}}}}}")
        return {}, {}
    inner = {name: found for name, body in raw.items() if isinstance(found := _inner(body), dict)}
    count = len(raw) + sum(map(len, inner.values()))
    if count > MAX_DEFINITION_NODES:
        report.add(("nodes",), f"has {count:,} nodes; split the workflow, {MAX_DEFINITION_NODES:,} are the most")
        report.fail()
    following = dict(zip(raw, [*list(raw)[1:], END], strict=True))
    ids = _ids(raw, inner, report)
    found = ((name, _outer_node(name, body, following[name], report)) for name, body in raw.items())
    return {name: node for name, node in found if node is not None}, ids


def _inner(body: Any) -> Any:
    """What stands under `nodes` of a sync block; None where nothing does."""
    spec = body.get(SyncNode.kind) if isinstance(body, dict) else None
    return spec.get("nodes") if isinstance(spec, dict) else None


def _ids(raw: Mapping[str, Any], inner: Mapping[str, Mapping[str, Any]], report: Report) -> Ids:
    first: dict[str, Path] = {name: ("nodes", name) for name in raw}
    ids: dict[str, str | None] = dict.fromkeys(raw)
    for name, path in first.items():
        _check_id(name, path, report)
    for block, steps in inner.items():
        for name in steps:
            path = ("nodes", block, *INSIDE, name)
            _check_id(name, path, report)
            if first.setdefault(name, path) is not path:
                line = report.lines.get(first[name])
                report.add(path, f"another node has this id, on line {line}; write one that no other node has")
            ids.setdefault(name, block)
    return ids


def _check_id(name: str, path: Path, report: Report) -> None:
    if name in RESERVED:
        report.add(path, f"`{name}` is reserved; write another id, such as {name}_step")
    elif not ID.fullmatch(name):
        report.add(path, f"{described(name)} is no id; write small letters, digits and _, a letter first, 60 at most")


def _outer_node(name: str, body: Any, following: str, report: Report) -> Node | None:
    path = ("nodes", name)
    model = _model(body, path, report)
    if model is None:
        return None
    if model is SyncNode:
        body = _with_inner(body, path, report)
    onward = model.onward
    if onward != "next" and onward and "next" in body:
        report.add((*path, "next"), f"is not known; write `{onward}`")
        body = {key: value for key, value in body.items() if key != "next"}
    if onward and onward not in body:
        body = {**body, onward: following}
    return validated(model, {**body, "id": name}, report, path)


def _with_inner(body: dict[str, Any], path: Path, report: Report) -> dict[str, Any]:
    """The body of a sync block with its nodes read. What is no mapping of them stays, for its model to judge."""
    spec = body[SyncNode.kind]
    if not isinstance(spec, dict) or "nodes" not in spec:
        return body
    inner, place = spec["nodes"], (*path, *INSIDE)
    if not isinstance(inner, dict) or not inner:
        report.add(place, f"is {described(inner) if inner else 'empty'}; write {_INNER}")
        inner = {}
    found = ((name, _inner_node(name, step, (*place, name), report)) for name, step in inner.items())
    nodes = {name: node for name, node in found if node is not None}
    return {**body, SyncNode.kind: {**spec, "nodes": nodes}}


def _inner_node(name: str, body: Any, path: Path, report: Report) -> Node | None:
    model = _model(body, path, report, inside=True)
    if model is None:
        return None
    for key in (key for key in body if key in _NOT_INSIDE):
        report.add((*path, key), _NOT_INSIDE[key])
    body = {key: value for key, value in body.items() if key not in _NOT_INSIDE}
    return validated(model, {**body, "id": name}, report, path)


def _model(body: Any, path: Path, report: Report, inside: bool = False) -> type[Node] | None:
    """The model of a node, by the one key that says what it does; None, with a problem noted, when there is none."""
    allowed = INNER_KINDS if inside else NODE_KINDS
    if not isinstance(body, dict):
        report.add(path, f"is {described(body)}; write a mapping with one of {listed(allowed)}")
        return None
    kinds = [key for key in body if key in NODE_KINDS]
    if len(kinds) > 1:
        named = " and ".join(f"`{kind}`" for kind in kinds)
        report.add(path, f"is {named} at once; keep one, and make a node of each other")
        return None
    if not kinds:
        meant = next((key for key in body if instead(key, allowed).startswith("did")), None)
        mend = instead(meant, allowed) if meant else f"write one of {listed(allowed)}"
        report.add((*path, meant) if meant else path, f"does not say what it does; {mend}")
        return None
    if kinds[0] not in allowed:
        report.add((*path, kinds[0]), f"cannot be used in a sync block; use {listed(allowed)}, or move it out")
        return None
    if "id" in body:
        report.add((*path, "id"), f"is not known; {instead('id', names(allowed[kinds[0]]))}")
    return allowed[kinds[0]]
