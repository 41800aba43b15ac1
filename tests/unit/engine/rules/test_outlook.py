"""Who reads a provided result, and which way decisions will go with it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from engine.definition import Workflow, load
from engine.rules.outlook import Reader, Way, readers, ways
from engine.templates import build_context

WORKFLOW = """
workflow: hiring
app: HR
nodes:
  account:
    action: {connection: identity, method: POST, path: /accounts}
  route:
    decision:
      - {when: "{{ nodes.account.result.remote }}", next: ship}
      - {default: office}
  ship:
    sync:
      nodes:
        pack: {function: {name: f.pack, args: {to: "{{ nodes.account.result.home.city }}"}}}
        send: {function: {name: f.send, args: {box: "{{ nodes.pack.result }}"}}}
    next: size
  office:
    function: {name: f.office, args: {all: "{{ nodes.account.result }}", first: "{{ nodes.account.result.tags[0] }}"}}
    next: rank
  rank:
    decision:
      - {when: "{{ nodes.office.result.rank > 3 and nodes.account.result.id }}", next: end}
      - {default: tell}
  size:
    decision:
      - {when: "{{ nodes.account.result.boxes > 1 }}", next: tell}
      - {default: end}
  tell:
    function: {name: f.tell, args: {id: "{{ nodes.account.result.id }}{{ nodes.account.result.tags[0] }}"}}
    next: end
"""


@pytest.fixture(scope="module")
def workflow() -> Workflow:
    return load(WORKFLOW, "hiring.yaml")


def foreseen(workflow: Workflow, result: Any, running: Collection[str] | None = None) -> tuple[Way, ...]:
    context = build_context(1, {}, "ada@example.com", {"account": result}, {}, {})
    return ways(workflow, "account", context, workflow.graph.nodes if running is None else running)


def test_each_later_step_is_told_with_the_fields_that_it_reads(workflow: Workflow) -> None:
    assert readers(workflow, "account") == (
        Reader("route", ("remote",)),
        Reader("pack", ("home.city",)),
        Reader("office", ("",)),
        Reader("rank", ("id",)),
        Reader("size", ("boxes",)),
        Reader("tell", ("id", "tags[0]")),
    )
    assert readers(workflow, "tell") == ()


def test_only_the_decisions_on_the_way_are_told(workflow: Workflow) -> None:
    assert foreseen(workflow, {"remote": True, "boxes": 2}) == (Way("route", "ship"), Way("size", "tell"))
    found = foreseen(workflow, {"remote": False, "boxes": 2})
    assert found == (Way("route", "office"), Way("rank", None, "it depends on what office will give"))


def test_a_condition_that_cannot_be_rendered_would_block_and_both_ways_stay_open(workflow: Workflow) -> None:
    route, *others = foreseen(workflow, {})
    assert (route.target, route.why) == (None, "it would block: nodes.account.result.remote is not defined (in when)")
    assert {way.node for way in others} == {"rank", "size"}


def test_a_decision_that_does_not_run_again_is_not_told(workflow: Workflow) -> None:
    assert foreseen(workflow, {"remote": True, "boxes": 1}, running=("ship", "tell")) == ()
