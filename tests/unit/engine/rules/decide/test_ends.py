"""Ends that cancel others: what was reached with them, and what they come too early for (SPEC 1, 2, 4)."""

from __future__ import annotations

from functools import partial

import pytest

from engine.graph import Graph
from engine.rules.decide import options
from engine.rules.decide.lost import unstick
from engine.states import StepStatus
from tests.support.memory import MemoryRequest, act, graph
from tests.unit.engine.rules.decide.samples import step_only, with_flow


@pytest.mark.parametrize("turned", [False, True])
def test_two_ends_that_are_reached_together_both_count(turned: bool) -> None:
    """Whichever of them is looked at first; rejected beats completed."""
    lines = ["fork > a", "fork > done", "fork > no", "a > done", "a -failure> no"]
    kinds = {"fork": "branch"}
    edges: Graph = graph(*lines, kinds=kinds, ends={"done": "completed", "no": "rejected"}, cancels=("done",))
    if turned:
        edges = Graph(edges.nodes, tuple(reversed(edges.edges)), edges.start)
    request = MemoryRequest(edges)
    request.succeed("fork")
    request.succeed("a")
    assert request.statuses(("done", "no")) == {"done": "completed", "no": "completed"}
    assert request.status == "rejected"


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        (("completed", "failed"), "failed"),
        (("failed", "completed"), "failed"),
        (("failed", "rejected"), "rejected"),
        (("rejected", "failed"), "rejected"),
        (("completed", "rejected"), "rejected"),
        (("completed", "completed"), "completed"),
    ],
)
def test_rejected_beats_failed_beats_completed_in_whatever_order_they_come(ends: tuple[str, str], status: str) -> None:
    lines = ("fork > a", "fork > b", "a > one", "b > two")
    request = MemoryRequest(graph(*lines, kinds={"fork": "branch"}, ends=dict(zip(("one", "two"), ends, strict=True))))
    request.run("fork", "a")
    assert request.status == "in_progress", "b can still go on"
    request.run("b")
    assert request.status == status


def test_a_path_that_was_not_taken_is_skipped_and_not_cancelled_by_the_end() -> None:
    request = MemoryRequest(graph("a > b", "a -failure> no", "b > end", ends={"no": "failed"}, cancels=("no",)))
    request.fail("a")
    assert request.statuses(("b", "end")) == {"b": "skipped", "end": "skipped"}


def test_a_held_step_that_is_let_go_of_does_not_reach_an_end_by_the_old_outcome_of_the_step_acted_on() -> None:
    """Both lead to the merge. By the failure of ``b``, which runs again, its end would cancel the call of ``side``."""
    lines = ["fork > a", "fork > b", "fork > side", "a > join", "b > end", "b -failure> join", "join > no"]
    lines.append("side > end")
    kinds = {"fork": "branch", "join": "merge"}
    request = MemoryRequest(graph(*lines, kinds=kinds, ends={"no": "failed"}, cancels=("no",)))
    request.succeed("fork")
    for node in ("a", "b"):
        request.fail(node)
    running = request.claim("side")
    request.do(partial(options.retrigger, act=act(), node="a", flow=False))
    request.succeed("a")
    request.do(partial(options.retrigger, act=act(), node="b", flow=True))
    assert (request.steps["side"].status, request.steps["side"].attempt) == ("running", running)
    assert request.steps["join"].visit == 1
    request.succeed("side", attempt=running)
    request.succeed("b")
    assert request.status == "failed"


def test_a_step_that_ran_alone_when_an_end_cancelled_it_goes_on_with_the_flow_once_it_is_brought_back() -> None:
    ways = ("split > pay", "split > ship", "pay > end", "pay -failure> off", "ship > end")
    request = MemoryRequest(graph(*ways, kinds={"split": "branch"}, ends={"off": "failed"}, cancels=("off",)))
    request.run("split")
    request.fail("ship")
    step_only(request, "ship")
    request.fail("pay")
    assert (request.status, request.statuses(["ship"])) == ("failed", {"ship": "cancelled"})
    with_flow(request, "pay")
    request.run("pay", "ship")
    assert (request.status, request.steps["ship"].held) == ("completed", False)


def test_the_first_step_is_brought_back_too() -> None:
    """It ran again alone when the way behind its failure came to an end that cancels others."""
    ways = ("a > end", "a -failure> tidy", "tidy > end", "tidy -failure> off")
    request = MemoryRequest(graph(*ways, ends={"off": "failed"}, cancels=("off",)))
    request.fail("a")
    step_only(request, "a")
    request.fail("tidy")
    assert (request.status, request.statuses(["a"])) == ("failed", {"a": "cancelled"})
    with_flow(request, "tidy")
    assert request.due == ["a", "tidy"]


def test_an_end_cancels_what_is_blocked_and_lets_go_of_what_is_held() -> None:
    """Nothing in the request can move any more, so it is final: a held step, too, would keep it from its end."""
    ways = ("split > a", "split > b", "split > c", "a > end", "b > off", "c > end")
    request = MemoryRequest(graph(*ways, kinds={"split": "branch"}, ends={"off": "failed"}, cancels=("off",)))
    request.run("split")
    request.fail("a")
    request.fail("c")
    step_only(request, "a")
    request.succeed("a")
    assert request.steps["a"].held and request.status == "blocked"
    request.succeed("b")
    assert request.statuses(("a", "c", "end")) == {"a": "completed", "c": "cancelled", "end": "cancelled"}
    assert (request.status, request.steps["a"].held) == ("failed", False)


def test_an_end_that_continue_flow_opens_cancels_what_waited_with_it() -> None:
    """A hand has changed the step that both waited for: it blocks nothing, and never arrives."""
    ways = ("a > off", "a > b", "b > end")
    request = MemoryRequest(graph(*ways, kinds={"a": "branch"}, ends={"off": "failed"}, cancels=("off",)))
    request.steps["a"] = request.steps["a"]._replace(status=StepStatus.BLOCKED, stale=True, due_at=None)
    assert request.do(unstick)
    request.do(partial(options.continue_flow, act=act()))
    assert (request.status, request.statuses(("off", "b"))) == ("failed", {"off": "completed", "b": "cancelled"})


def test_an_approval_whose_time_is_over_while_another_branch_is_blocked_rejects_the_request_in_the_end() -> None:
    ways = ("split > ask", "split > pay", "ask -approved> end", "ask -rejected> no", "pay > end")
    kinds = {"split": "branch", "ask": "approval"}
    request = MemoryRequest(graph(*ways, kinds=kinds, ends={"no": "rejected"}))
    request.succeed("split")
    request.ask("ask", "hanna@example.com", seconds=60.0)
    request.fail("pay")
    assert request.pass_time("ask")
    assert (request.status, request.request.reason) == ("blocked", "pay: 503")
    assert request.statuses(("ask", "no")) == {"ask": "completed", "no": "completed"}
    with_flow(request, "pay")
    assert (request.status, request.due) == ("in_progress", ["pay"])
    request.succeed("pay")
    assert request.status == "rejected"
