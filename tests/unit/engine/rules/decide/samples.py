"""Graphs that several tests run, and the two re-triggers, as a person asks for them."""

from __future__ import annotations

from engine.rules.decide import options
from tests.support.memory import MemoryRequest, act, graph

LINE = graph("a > b", "b > c", "c > end")
TOLD = graph("a > b", "a -failure> mail", "b > end", "mail > failed_end", ends={"failed_end": "failed"})
CHOICE = graph(
    "a > route",
    "route -left> left",
    "route -right> right",
    "left > last",
    "right > last",
    "last > end",
    kinds={"route": "decision"},
)
FORK = graph(
    "a > fork",
    "fork > left",
    "fork > right",
    "left > join",
    "right > join",
    "join > last",
    "last > end",
    kinds={"fork": "branch", "join": "merge"},
)


def blocked_at(workflow_graph, *done: str, at: str) -> MemoryRequest:
    request = MemoryRequest(workflow_graph)
    request.run(*done)
    request.fail(at)
    assert request.status == "blocked"
    return request


def step_only(request: MemoryRequest, node: str, ticked: bool = False, **facts) -> None:
    request.do(lambda d: options.retrigger(d, act(**facts), node, flow=False, update_status=ticked))


def with_flow(request: MemoryRequest, node: str, **facts) -> None:
    request.do(lambda d: options.retrigger(d, act(**facts), node, flow=True))
