"""What a definition that is right means."""

from __future__ import annotations

import json

import pytest

from engine.definition import ActionNode, DecisionNode, DefinitionError, FunctionNode, Retry, Workflow, load
from engine.graph import END, Edge
from engine.states import RequestStatus
from tests.unit.engine.definition.samples import ONBOARDING


@pytest.fixture
def onboarding() -> Workflow:
    return load(ONBOARDING, "onboarding.yaml")


def test_the_head_is_read(onboarding: Workflow):
    assert (onboarding.name, onboarding.app, onboarding.self_action) == ("onboarding", "HR", True)
    assert onboarding.sensitive == ("request.input.national_id", "nodes.create_account.result.password")
    assert onboarding.input_schema == {"type": "object", "required": ["name", "email"]}


def test_an_action_is_read(onboarding: Workflow):
    node = onboarding.nodes["create_account"]
    assert isinstance(node, ActionNode)
    assert (node.action.connection, node.action.method, node.action.timeout) == ("identity", "POST", 10.0)
    assert node.action.expect.status == (200, 201)
    assert node.action.retry.model_dump() == {"times": 3, "interval": 2.0, "backoff": 2.0, "on_unexpected": False}
    assert node.links() == (("success", "badge", ("next",)), ("failure", "tell_it", ("on_failure",)))
    assert node.provided_schema == {"type": "object"}


def test_a_call_is_rendered_from_its_parts(onboarding: Workflow):
    node = onboarding.nodes["create_account"]
    assert isinstance(node, ActionNode)
    context = {"request": {"id": "REQ-1", "input": {"email": "ann@example.com"}}}
    assert node.action.template.render(context) == {
        "path": "/accounts",
        "query": {"notify": "no"},
        "headers": {"X-Trace": "REQ-1"},
        "body": {"email": "ann@example.com"},
    }


def test_what_is_not_written_has_its_default(onboarding: Workflow):
    node = onboarding.nodes["welcome"]
    assert isinstance(node, ActionNode)
    assert (node.action.timeout, node.action.expect.status) == (None, None)
    assert node.action.retry == Retry(times=0, interval=1.0, backoff=2.0, on_unexpected=False)
    assert (node.action.query, node.action.body, node.provided_schema) == ({}, None, None)


def test_a_function_is_read(onboarding: Workflow):
    node = onboarding.nodes["badge"]
    assert isinstance(node, FunctionNode)
    assert (node.function.name, node.function.timeout) == ("hr.badge_number", 5.0)
    assert node.function.isolation == "process", "unless the definition says otherwise, a crash costs the step alone"
    assert node.references == {"create_account"}


def test_a_decision_is_read(onboarding: Workflow):
    node = onboarding.nodes["route"]
    assert isinstance(node, DecisionNode)
    assert [(case.when, case.target) for case in node.decision.cases] == [("{{ request.input.remote }}", "ship_laptop")]
    assert node.decision.default == "desk_and_laptop"
    assert node.decision.cases[0].template.truth({"request": {"input": {"remote": True}}})


def test_the_schema_of_expect_stands_in_for_result_schema():
    node = load(ONBOARDING.replace("    result_schema: {type: object} ", "   #"), "o.yaml").nodes["create_account"]
    assert node.provided_schema == {"type": "object", "required": ["id"]}


def test_the_graph_leads_where_the_file_says(onboarding: Workflow):
    graph = onboarding.graph
    assert graph.start == "create_account"
    assert list(graph.nodes) == [*onboarding.nodes, END]
    assert graph.edges == (
        Edge("create_account", "success", "badge"),
        Edge("create_account", "failure", "tell_it"),
        Edge("badge", "success", "route"),
        Edge("route", "ship_laptop", "ship_laptop"),
        Edge("route", "desk_and_laptop", "desk_and_laptop"),
        Edge("desk_and_laptop", "success", "desk"),
        Edge("desk_and_laptop", "success", "laptop"),
        Edge("desk", "success", "ready"),
        Edge("laptop", "success", "ready"),
        Edge("ready", "success", "welcome"),
        Edge("ship_laptop", "success", "welcome"),
        Edge("welcome", "success", END),
        Edge("tell_it", "success", "failed_end"),
    )
    assert graph.nodes["failed_end"][1:4] == ("end", RequestStatus.FAILED, True)
    assert graph.nodes[END][1:4] == ("end", RequestStatus.COMPLETED, False)


def test_a_stored_document_is_the_same_workflow(onboarding: Workflow):
    document = json.loads(json.dumps(onboarding.document(), sort_keys=True))
    again = Workflow.from_document(document)
    assert again == onboarding
    assert again.digest == onboarding.digest
    assert again.document() == onboarding.document()
    assert list(again.graph.nodes) == list(onboarding.graph.nodes)


def test_the_digest_is_of_the_meaning_not_of_the_layout(onboarding: Workflow):
    plain = json.dumps(onboarding.document())
    same = {**json.loads(plain), "nodes": {node.pop("id"): node for node in json.loads(plain)["nodes"]}}
    assert load(json.dumps(same, indent=1), "onboarding.json").digest == onboarding.digest
    assert load(ONBOARDING.replace("timeout: 5s", "timeout: 5"), "o.yaml").digest == onboarding.digest
    assert load(ONBOARDING.replace("timeout: 5s", "timeout: 6s"), "o.yaml").digest != onboarding.digest


def test_the_order_of_nodes_is_part_of_the_meaning():
    one = "workflow: w\napp: A\nnodes: {a: {end: {status: failed}}}"
    two = load("workflow: w\napp: A\nnodes: {a: {function: {name: f}}, b: {function: {name: g}}}", "w.yaml")
    other = load("workflow: w\napp: A\nnodes: {b: {function: {name: g}}, a: {function: {name: f}}}", "w.yaml")
    assert two.digest != other.digest
    assert load(one, "w.yaml").graph.start == "a"


def test_the_last_node_leads_to_the_end():
    workflow = load("workflow: w\napp: A\nnodes: {a: {function: {name: f}}}", "w.yaml")
    assert workflow.graph.edges == (Edge("a", "success", END),)


def test_two_cases_may_lead_to_one_node():
    text = """
workflow: w
app: A
nodes:
  d: {decision: [{when: "{{ request.input.a }}", next: x}, {when: true, next: end}, {default: x}]}
  x: {end: {status: rejected}}
"""
    assert load(text, "w.yaml").graph.edges == (Edge("d", "x", "x"), Edge("d", END, END))


@pytest.mark.parametrize(
    ("written", "seconds"), [("10s", 10.0), ("2m", 120.0), ("1h", 3600.0), ("2d", 172800.0), ("7", 7.0), ("0.5s", 0.5)]
)
def test_durations(written: str, seconds: float):
    node = load(ONBOARDING.replace("timeout: 10s", f"timeout: {written}"), "o.yaml").nodes["create_account"]
    assert isinstance(node, ActionNode)
    assert node.action.timeout == seconds


def test_values_are_what_they_look_like():
    numbers = '{day: 2024-01-31, time: 10:30, zip: "01234", n: 5, f: 1e3'
    body = numbers + ', t: true, z: null, e: , s: "true", k: {1: a, on: b}}'
    text = f"workflow: w\napp: A\nnodes: {{a: {{function: {{name: f, args: {{x: {body}}}}}}}}}"
    node = load(text, "w.yaml").nodes["a"]
    assert isinstance(node, FunctionNode)
    assert node.function.args["x"] == {
        "day": "2024-01-31",
        "time": "10:30",
        "zip": "01234",
        "n": 5,
        "f": 1000.0,
        "t": True,
        "z": None,
        "e": None,
        "s": "true",
        "k": {"1": "a", "on": "b"},
    }


def test_null_in_a_body_stays():
    text = "workflow: w\napp: A\nnodes: {a: {action: {connection: c, method: PUT, path: /, body: {boss: null}}}}"
    again = Workflow.from_document(load(text, "w.yaml").document()).nodes["a"]
    assert isinstance(again, ActionNode)
    assert again.action.body == {"boss": None}


def test_the_head_has_its_defaults_and_the_name_for_a_title():
    workflow = load("workflow: w\napp: A\nnodes: {a: {function: {name: f}}}", "w.yaml")
    assert workflow.title_template.text({}) == "w"
    assert (workflow.self_action, workflow.sensitive, workflow.input_schema) == (True, (), None)


def test_json_is_read_with_lines_and_escapes():
    text = '{"workflow": "w", "app": "A",\n\t"title": "\\ud83d\\ude00 \\/",\n\t"nodes": {"a": {"functoin": {}}}}'
    assert load(text.replace("functoin", "function").replace("{}", '{"name": "f"}'), "w.json").title == "😀 /"
    with pytest.raises(DefinitionError) as caught:
        load(text, "w.json")
    assert str(caught.value) == "w.json:3: node a, field functoin: does not say what it does; did you mean `function`?"
