"""What each kind of node means, read from the definition that has them all."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from engine.definition import (
    NODE_KINDS,
    ActionNode,
    ApprovalNode,
    BranchNode,
    CallbackNode,
    DelayNode,
    FunctionNode,
    MergeNode,
    SyncNode,
    Workflow,
    load,
)
from engine.graph import Edge, GraphNode
from tests.unit.engine.definition.samples import EVERY_KIND


@pytest.fixture
def workflow() -> Workflow:
    return load(EVERY_KIND, "every_kind.yaml")


def edges(workflow: Workflow, node: str) -> tuple[Edge, ...]:
    return workflow.graph.outgoing[node]


def test_the_sample_has_every_kind(workflow: Workflow):
    assert {node.kind for node in workflow.nodes.values()} == {*NODE_KINDS}


def test_a_stored_document_is_the_same_workflow(workflow: Workflow):
    again = Workflow.from_document(json.loads(json.dumps(workflow.document(), sort_keys=True)))
    assert again == workflow
    assert again.document() == workflow.document()
    assert again.digest == workflow.digest
    assert again.step_ids == workflow.step_ids
    assert again.graph.inner == workflow.graph.inner
    assert again.graph.edges == workflow.graph.edges
    order = again.node("order")
    assert isinstance(order, ActionNode)
    assert order.action.body["note"] is None


def test_a_branch_leads_everywhere_by_one_outlet(workflow: Workflow):
    assert isinstance(workflow.nodes["both"], BranchNode)
    assert edges(workflow, "both") == (Edge("both", "success", "pause"), Edge("both", "success", "later"))


def test_a_merge_only_leads_on(workflow: Workflow):
    assert isinstance(workflow.nodes["met"], MergeNode)
    assert edges(workflow, "met") == (Edge("met", "success", "delivered"),)
    assert {edge.source for edge in workflow.graph.incoming["met"]} == {"pause", "later"}


def test_the_steps_inside_a_sync_block_are_found_in_their_order(workflow: Workflow):
    block = workflow.nodes["account"]
    assert isinstance(block, SyncNode)
    assert list(block.inner) == ["make", "enter"]
    assert workflow.node("make") is block.inner["make"]
    assert isinstance(workflow.node("make"), ActionNode)
    assert isinstance(workflow.node("enter"), FunctionNode)
    assert workflow.node("enter").references == {"make", "order"}
    assert block.references == {"make", "order"}


def test_the_steps_inside_a_sync_block_are_no_nodes_of_the_graph(workflow: Workflow):
    graph = workflow.graph
    made = GraphNode("make", "action", connection="identity")
    assert graph.inner == {"account": (made, GraphNode("enter", "function"))}
    assert graph.block_of == {"make": "account", "enter": "account"}
    assert not {"make", "enter"} & {*workflow.nodes, *graph.nodes}
    assert edges(workflow, "account") == (Edge("account", "success", "ask"), Edge("account", "failure", "sorry"))


def test_all_steps_are_listed_in_the_order_of_the_file(workflow: Workflow):
    assert workflow.step_ids[:5] == ("order", "account", "make", "enter", "ask")
    assert Counter(workflow.step_ids) == Counter([*workflow.nodes, "make", "enter"])


def test_inner_steps_have_an_order_that_is_part_of_the_meaning():
    inner = "a: {function: {name: f}}, b: {function: {name: f}}"
    turned = ", ".join(reversed(inner.split(", ")))
    one, other = (
        load(f"workflow: w\napp: A\nnodes: {{s: {{sync: {{nodes: {{{text}}}}}}}}}", "w.yaml")
        for text in (inner, turned)
    )
    assert one.digest != other.digest
    assert other.step_ids == ("s", "b", "a")


def test_an_approval_leaves_by_approved_or_rejected(workflow: Workflow):
    node = workflow.nodes["ask"]
    assert isinstance(node, ApprovalNode)
    assert (node.approval.need, node.approval.timeout) == ("all", 172800.0)
    assert edges(workflow, "ask") == (Edge("ask", "approved", "both"), Edge("ask", "rejected", "refused"))
    assert node.approval.template.render({"request": {"input": {"boss": "b@example.com"}}}) == [
        "b@example.com",
        "@hr-admins",
        "a@example.com",
    ]


def test_an_approval_may_have_no_rejected_path_and_asks_for_one_voice():
    text = 'workflow: w\napp: A\nnodes: {a: {approval: {approvers: ["@hr"]}, approved: end}}'
    node = load(text, "w.yaml").nodes["a"]
    assert isinstance(node, ApprovalNode)
    assert (node.approval.need, node.approval.timeout, node.rejected) == ("any", None, None)
    assert [link.outlet for link in node.links()] == ["approved"]


def test_a_delay_is_a_duration_or_a_time(workflow: Workflow):
    pause, later = workflow.nodes["pause"], workflow.nodes["later"]
    assert isinstance(pause, DelayNode)
    assert isinstance(later, DelayNode)
    assert pause.delay.template.constant
    assert pause.delay.template.render({}) == {"for": 7200.0}
    context = {"request": {"input": {"day": "2030-01-31"}}}
    assert later.delay.template.render(context) == {"until": "2030-01-31T09:00:00Z"}


def test_a_callback_waits_for_what_must_match(workflow: Workflow):
    node = workflow.nodes["delivered"]
    assert isinstance(node, CallbackNode)
    assert (node.callback.timeout, node.provided_schema) == (172800.0, {"type": "object"})
    assert edges(workflow, "delivered") == (
        Edge("delivered", "success", "route"),
        Edge("delivered", "failure", "sorry"),
    )


def test_a_callback_may_wait_as_long_as_it_takes():
    node = load("workflow: w\napp: A\nnodes: {a: {callback: {}}}", "w.yaml").nodes["a"]
    assert isinstance(node, CallbackNode)
    assert node.callback.timeout is None
    assert [link.outlet for link in node.links()] == ["success"]


def test_a_node_knows_whose_address_it_asks_for(workflow: Workflow):
    assert workflow.node("order").callbacks == {"delivered"}
    assert workflow.node("make").callbacks == frozenset()
    assert workflow.graph.callers == {"delivered": {"order"}}


def test_kinds_that_give_no_result():
    assert {kind for kind, model in NODE_KINDS.items() if not model.gives_result} == {
        "decision", "branch", "merge", "delay", "end",
    }  # fmt: skip
