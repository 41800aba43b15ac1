"""Random definitions: what loads has a graph in topological order; what does not says so; size costs little."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.definition import DefinitionError, Problem, Workflow, load
from engine.definition.wiring import cycles, ordered, reachable
from engine.graph import END, Edge


def yaml_of(targets: dict[int, list[int]], most: int) -> str:
    """Decisions that lead to the numbered nodes; a number that is no node's stands for the end."""

    def name(number: int) -> str:
        return f"n{number}" if number < most else END

    lines = ["workflow: w", "app: A", "nodes:"]
    for node, (first, *rest) in targets.items():
        cases = [f"{{when: true, next: {name(target)}}}" for target in rest]
        lines.append(f"  n{node}: {{decision: [{', '.join([*cases, f'{{default: {name(first)}}}'])}]}}")
    return "\n".join(lines)


def loaded(text: str) -> tuple[Workflow | None, tuple[Problem, ...]]:
    try:
        return load(text, "w.yaml"), ()
    except DefinitionError as error:
        return None, error.problems


@st.composite
def graphs(draw: st.DrawFn, forward: bool) -> str:
    size = draw(st.integers(1, 12))
    lowest = {node: node + 1 if forward else 0 for node in range(size)}
    targets = {node: draw(st.lists(st.integers(lowest[node], size), min_size=1, max_size=4)) for node in range(size)}
    order = draw(st.permutations(range(1, size)))
    return yaml_of({node: targets[node] for node in [0, *order]}, size)


@given(graphs(forward=True))
def test_each_node_stands_behind_those_that_lead_to_it(text: str):
    workflow, problems = loaded(text)
    if workflow is None:
        assert all("nothing leads to this node" in problem.message for problem in problems)
        return
    graph = workflow.graph
    assert next(iter(graph.nodes)) == graph.start == "n0"
    assert all(graph.position[edge.source] < graph.position[edge.target] for edge in graph.edges)
    assert len(set(graph.edges)) == len(graph.edges)
    assert {*graph.behind("n0"), "n0"} == set(graph.nodes)


@given(graphs(forward=False))
def test_a_graph_loads_or_its_cycles_and_lost_nodes_are_named(text: str):
    workflow, problems = loaded(text)
    if workflow is None:
        signs = ("nothing leads to this node", "leads back to itself")
        assert all(any(sign in problem.message for sign in signs) for problem in problems)
        assert all(problem.line for problem in problems)
    else:
        again = Workflow.from_document(workflow.document())
        assert list(again.graph.nodes) == list(workflow.graph.nodes)
        assert again.graph.edges == workflow.graph.edges


@given(st.integers(1, 9), st.sets(st.tuples(st.integers(0, 8), st.integers(0, 8))))
def test_cycles_are_cycles_and_none_is_missed(size: int, pairs: set[tuple[int, int]]):
    nodes = [str(node) for node in range(size)]
    edges = [Edge(str(a), "x", str(b)) for a, b in sorted(pairs) if a < size and b < size]
    found = cycles(nodes, edges)
    steps = {(edge.source, edge.target) for edge in edges}
    for cycle in found:
        assert all(step in steps for step in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
        assert cycle[0] == min(cycle)
    on_a_cycle = any(node in reachable(edge.target, edges) for node in nodes for edge in edges if edge.source == node)
    assert bool(found) == on_a_cycle
    assert (len(ordered(nodes, edges)) < size) == on_a_cycle


def long_chain(size: int) -> str:
    lines = ["workflow: w", "app: A", "nodes:"]
    for node in range(size):
        named = f'"{{{{ nodes.n{node - 1}.result }}}} {{{{ nodes.n0.result }}}}"' if node else "1"
        lines.append(f"  n{node}: {{function: {{name: f, args: {{x: {named}}}}}, on_failure: lost}}")
    lines.append("  lost: {end: {status: failed}}")
    return "\n".join(lines).replace("}, on_failure: lost}\n  lost", "}, on_failure: lost, next: end}\n  lost")


def test_a_long_workflow_costs_little():
    text = long_chain(1999)
    started = time.process_time()
    workflow = load(text, "w.yaml")
    document = workflow.document()
    assert list(Workflow.from_document(document).graph.nodes)[-1] == END
    assert time.process_time() - started < 15  # about a second; quadratic work would take minutes


def wide_branch(size: int) -> str:
    """A branch to ``size`` functions, a merge, and a node that names the result of every one of them."""
    ids = [f"n{node}" for node in range(size)]
    named = " ".join(f"{{{{ nodes.{node}.result }}}}" for node in ids)
    lines = ["workflow: w", "app: A", "nodes:", f"  split: {{branch: [{', '.join(ids)}]}}"]
    lines += [f"  {node}: {{function: {{name: f}}, next: met}}" for node in ids]
    lines += ["  met: {merge: {}}", f'  last: {{function: {{name: f, args: {{x: "{named}"}}}}}}']
    return "\n".join(lines)


def layers(count: int, width: int) -> str:
    """Branches each of which leads to every one of the next layer."""
    ids = [[f"n{layer}_{place}" for place in range(width)] for layer in range(count)]
    lines = ["workflow: w", "app: A", "nodes:", f"  split: {{branch: [{', '.join(ids[0])}]}}"]
    for layer, behind in pairwise(ids):
        lines += [f"  {node}: {{branch: [{', '.join(behind)}]}}" for node in layer]
    return "\n".join([*lines, *(f"  {node}: {{function: {{name: f}}, next: end}}" for node in ids[-1])])


@pytest.mark.parametrize("text", [wide_branch(1997), layers(27, 70), layers(2, 300)], ids=["wide", "deep", "dense"])
def test_wide_branches_cost_little(text: str):
    started = time.process_time()
    graph = Workflow.from_document(load(text, "w.yaml").document()).graph
    assert graph.start == "split"
    assert list(graph.nodes)[-1] == END
    assert time.process_time() - started < 15  # a second or two


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"  n{node}: {{function: {{name: f}}}}\n" for node in range(10_000)),
        f"  b: {{sync: {{nodes: {{{', '.join(f'n{node}: {{function: {{name: f}}}}' for node in range(10_000))}}}}}}}",
        "".join(f"  n{node}: {{function: {{name: f}}, next: m{node}}}\n" for node in range(2000)),
        f"  b: {{branch: [{', '.join(f'm{node}' for node in range(100_000))}]}}",
    ],
    ids=["nodes", "inner nodes", "wrong names", "wrong ways"],
)
def test_a_file_that_is_far_off_is_refused_quickly(text: str):
    started = time.process_time()
    with pytest.raises(DefinitionError):
        load(f"workflow: w\napp: A\nnodes:\n{text}", "w.yaml")
    assert time.process_time() - started < 10  # less than a second


def test_a_long_circle_is_found_without_recursion():
    text = long_chain(1999).replace("next: end", "next: n0")
    with pytest.raises(DefinitionError, match="leads back to itself: n0 → n1 → n2"):
        load(text, "w.yaml")
