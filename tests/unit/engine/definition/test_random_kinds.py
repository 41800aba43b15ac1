"""Random definitions of every kind: their meaning survives storing, and what templates may name follows a plain model.

The model walks every way through the graph, one by one, and notes what ran and what gave a result on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.definition import NODE_KINDS, DefinitionError, SyncNode, Workflow, load
from engine.graph import END, FAILURE

ACTION = {"action": {"connection": "c", "method": "GET", "path": "/"}}


class Ways(NamedTuple):
    """How many ways out a kind can have, and the keys that name them."""

    least: int
    most: int
    keys: tuple[str, ...] = ()


WAYS = {
    "action": Ways(1, 2, ("next", "on_failure")),
    "function": Ways(1, 2, ("next", "on_failure")),
    "decision": Ways(1, 9),
    "branch": Ways(2, 9),
    "merge": Ways(1, 1, ("next",)),
    "sync": Ways(1, 2, ("next", "on_failure")),
    "approval": Ways(1, 2, ("approved", "rejected")),
    "delay": Ways(1, 1, ("next",)),
    "callback": Ways(1, 2, ("next", "on_failure")),
    "end": Ways(0, 0),
}


def body_of(kind: str, node: str, targets: list[str]) -> dict[str, Any]:
    match kind:
        case "decision":
            *conditions, last = targets
            return {kind: [*({"when": True, "next": target} for target in conditions), {"default": last}]}
        case "branch":
            return {kind: targets}
        case "end":
            return {kind: {"status": "failed"}}
    bodies: dict[str, Any] = {
        **ACTION,
        "function": {"name": "f"},
        "merge": {},
        "sync": {"nodes": {f"{node}_{step}": {"function": {"name": "f"}} for step in "abc"}},
        "approval": {"approvers": ["@hr"]},
        "delay": {"for": 1},
        "callback": {},
    }
    return {kind: bodies[kind], **dict(zip(WAYS[kind].keys, targets, strict=False))}


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    """Nodes of any kind that lead forward only, and that the first leads to."""
    size = draw(st.integers(1, 8))
    targets: dict[int, set[int]] = {node: set() for node in range(size)}
    for node in range(1, size):
        targets[draw(st.integers(0, node - 1))].add(node)
    for first, second in draw(st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size)), max_size=5)):
        if first < second:
            targets[first].add(second)
    nodes = {}
    for node in [0, *draw(st.permutations(range(1, size)))]:
        count = len(targets[node]) or draw(st.integers(0, 1))
        kind = draw(st.sampled_from([kind for kind, ways in WAYS.items() if ways.least <= count <= ways.most]))
        named = [f"n{target}" if target < size else END for target in draw(st.permutations(sorted(targets[node])))]
        nodes[f"n{node}"] = body_of(kind, f"n{node}", named or [END])
    return {"workflow": "w", "app": "A", "nodes": nodes}


def read(definition: dict[str, Any]) -> Workflow:
    return load(json.dumps(definition), "w.json")


class Way(NamedTuple):
    """One way to a step: what ran on it, and what gave a result."""

    ran: frozenset[str]
    gave: frozenset[str]

    def plus(self, ran: list[str], gave: list[str]) -> Way:
        return Way(self.ran.union(ran), self.gave.union(gave))


def ways_to(workflow: Workflow, step: str) -> Iterator[Way]:
    """Every way from the start to a step, inner steps included."""
    block = workflow.graph.block_of.get(step)
    if block is not None:
        node = workflow.nodes[block]
        assert isinstance(node, SyncNode)
        before = list(node.inner)[: list(node.inner).index(step)]
        yield from (way.plus(before, before) for way in ways_to(workflow, block))
        return
    if step == workflow.graph.start:
        yield Way(frozenset(), frozenset())
    for edge in workflow.graph.incoming[step]:
        node = workflow.nodes[edge.source]
        inner = list(node.inner) if isinstance(node, SyncNode) else []
        for way in ways_to(workflow, edge.source):
            if edge.outlet != FAILURE:
                yield way.plus([node.id, *inner], [node.id, *inner])
            elif not inner:
                yield way.plus([node.id], [])
            for failed in range(len(inner) if edge.outlet == FAILURE else 0):
                yield way.plus([node.id, *inner[: failed + 1]], inner[:failed])


def functions_of(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The body of every function, inner ones included, by id."""
    nodes = definition["nodes"]
    inner = [body["sync"]["nodes"] for body in nodes.values() if "sync" in body]
    every = {step: body for group in [nodes, *inner] for step, body in group.items()}
    return {step: body["function"] for step, body in every.items() if "function" in body}


def naming(data: st.DataObject, definition: dict[str, Any], template: str) -> tuple[Workflow, str, str]:
    """Let one step name another by the template: the workflow as it was before, who names, and whom."""
    functions = functions_of(definition)
    assume(functions)
    workflow = read(definition)
    namer = data.draw(st.sampled_from(sorted(functions)))
    named = data.draw(st.sampled_from(workflow.step_ids))
    functions[namer]["args"] = {"x": template.replace("NODE", named)}
    return workflow, namer, named


def why_not(definition: dict[str, Any]) -> str:
    """Why it does not load; empty when it does."""
    try:
        read(definition)
    except DefinitionError as error:
        [problem] = error.problems
        return problem.message
    return ""


@given(definitions())
def test_what_a_definition_means_survives_storing(definition: dict[str, Any]):
    workflow = read(definition)
    again = Workflow.from_document(json.loads(json.dumps(workflow.document(), sort_keys=True)))
    assert again == workflow
    assert again.digest == workflow.digest
    assert again.document() == workflow.document()
    assert again.step_ids == workflow.step_ids
    assert list(again.graph.nodes) == list(workflow.graph.nodes)
    assert (again.graph.edges, again.graph.inner) == (workflow.graph.edges, workflow.graph.inner)


@given(definitions())
def test_the_graph_is_that_of_the_file(definition: dict[str, Any]):
    workflow, nodes = read(definition), definition["nodes"]
    graph = workflow.graph
    assert graph.start == "n0"
    assert all(graph.position[edge.source] < graph.position[edge.target] for edge in graph.edges)
    assert {*graph.nodes} - {END} == {*nodes}
    assert {step for steps in graph.inner.values() for step in steps} == {
        workflow.node(step).in_graph() for body in nodes.values() if "sync" in body for step in body["sync"]["nodes"]
    }
    assert [*workflow.step_ids] == [
        step for node in nodes for step in (node, *(s.id for s in graph.inner.get(node, ())))
    ]
    assert {node.kind for node in graph.nodes.values()} <= {*NODE_KINDS}


@given(st.data(), definitions(), st.sampled_from(["result", "error"]))
def test_a_template_names_what_can_have_run(data: st.DataObject, definition: dict[str, Any], part: str):
    workflow, namer, named = naming(data, definition, f"{{{{ nodes.NODE.{part} }}}}")
    ways = list(ways_to(workflow, namer))
    if not workflow.node(named).gives_result:
        expected = "gives no result"
    elif not any(named in way.ran for way in ways):
        expected = "cannot have run before"
    elif part == "result" and not any(named in way.gave for way in ways):
        expected = "has failed on every way here"
    else:
        expected = ""
    told = why_not(definition)
    assert expected in told
    assert bool(expected) == bool(told)


@given(st.data(), definitions())
def test_an_address_is_asked_for_before_its_callback(data: st.DataObject, definition: dict[str, Any]):
    workflow, namer, named = naming(data, definition, "{{ callback_url('NODE') }}")
    told = why_not(definition)
    if workflow.node(named).kind != "callback":
        assert "name a callback node" in told
    elif not any(namer in way.ran for way in ways_to(workflow, named)):
        assert "is not behind" in told
    else:
        assert not told


@given(st.data(), definitions())
def test_a_way_back_is_named(data: st.DataObject, definition: dict[str, Any]):
    nodes = definition["nodes"]
    back = [node for node, body in nodes.items() if body.get("next") or body.get("approved")]
    assume(back)
    node = data.draw(st.sampled_from(back))
    nodes[node]["approved" if "approval" in nodes[node] else "next"] = "n0"
    with pytest.raises(DefinitionError, match="leads back to itself"):
        read(definition)
