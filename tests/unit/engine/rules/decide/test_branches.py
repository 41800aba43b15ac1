"""Side by side: what goes on while one path blocks, what an end cancels and gives back, what Continue flow opens."""

from __future__ import annotations

import pytest

from engine.graph import Edge, Graph, GraphNode
from engine.rules.allowed import Action
from engine.rules.decide import options
from engine.rules.decide.finish import Finished, finish
from engine.rules.decide.lost import unstick
from engine.rules.outcomes import Failure
from engine.rules.plan import Key
from engine.states import CallEffect, RequestStatus, StepStatus
from tests.support.memory import MemoryRequest, act, graph

SIDE_BY_SIDE = graph(
    "split > desk", "split > laptop", "desk > ready", "laptop > ready", "ready > welcome", "welcome > end",
    kinds={"split": "branch", "ready": "merge"},
)  # fmt: skip


def both_started() -> MemoryRequest:
    request = MemoryRequest(SIDE_BY_SIDE)
    request.succeed("split")
    return request


def cancelling() -> Graph:
    """``pay`` fails into an end that cancels what ``ship`` still does."""
    nodes = {
        "split": GraphNode("split", "branch"),
        "pay": GraphNode("pay", "action"),
        "ship": GraphNode("ship", "action"),
        "off": GraphNode("off", "end", RequestStatus.FAILED, cancel_others=True),
        "end": GraphNode("end", "end", RequestStatus.COMPLETED),
    }
    ways = ("split success pay", "split success ship", "pay success end", "pay failure off", "ship success end")
    return Graph(nodes, tuple(Edge(*way.split()) for way in ways), "split")


def test_a_path_goes_on_while_another_blocks_and_the_merge_waits() -> None:
    request = both_started()
    request.fail("desk", call=CallEffect.REJECTED)
    request.run("laptop")
    assert request.statuses(["desk", "laptop", "ready", "welcome"]) == {
        "desk": "blocked", "laptop": "completed", "ready": "pending", "welcome": "pending",
    }  # fmt: skip
    assert request.status == "blocked"


def test_a_merge_counts_the_path_that_was_done_before_the_re_trigger() -> None:
    request = both_started()
    request.fail("desk", call=CallEffect.REJECTED)
    request.run("laptop")
    request.do(lambda d: options.retrigger(d, act(), "desk", flow=True))
    assert request.due == ["desk"]
    request.run("desk", "welcome")
    assert request.status == "completed"
    assert request.steps["laptop"].attempt == 1


def test_what_an_end_cancelled_is_ready_again_when_that_end_no_longer_stands() -> None:
    request = MemoryRequest(cancelling())
    request.succeed("split")
    number = request.claim("ship")
    request.fail("pay", call=CallEffect.REJECTED)
    assert (request.status, request.steps["ship"].status) == ("failed", StepStatus.CANCELLED)
    assert request.succeed("ship", attempt=number) is False  # fenced: late evidence

    plan = request.plan(Action.FLOW, "pay")
    assert [run.node for run in plan.runs if run.sure] == ["pay", "ship"]
    request.do(lambda d: options.retrigger(d, act(), "pay", flow=True))
    assert (request.due, request.status) == (["pay", "ship"], "in_progress")
    request.run("ship", "pay")
    assert request.status == "completed"
    shipped = [(it.kind.value, it.visit, it.trigger and it.trigger.by) for it in request.attempts if it.node == "ship"]
    assert shipped == [("initial", 1, None), ("initial", 1, "Hanna Lead")]  # one visit: its call keeps its key


def test_a_plan_says_what_it_takes_back() -> None:
    request = MemoryRequest(graph("a > b", "a -failure> b", "b > end"))
    request.fail("a", call=CallEffect.REJECTED)
    request.fail("b", call=CallEffect.UNKNOWN)
    plan = request.plan(Action.FLOW, "a")
    assert plan.stops == ("b",)
    assert {run.node: run.key for run in plan.runs} == {"a": Key.SAME, "b": Key.NEW}


def test_a_plan_lists_what_waits_for_another_path_once_the_act_has_closed_its_own() -> None:
    """``tell`` comes behind the failure of ``book`` or of ``pay``: when ``book`` is done, it hangs on ``pay`` alone."""
    ways = ["split > ask", "split > book", "split > pay", "ask > tell", "book -failure> tell", "pay -failure> tell"]
    ends = ["book > end", "pay > end", "tell > end"]
    request = MemoryRequest(graph(*ways, *ends, kinds={"split": "branch"}))
    request.run("split", "ask")
    unfit, number = Failure("request.input.x is not defined", must_block=True), request.claim("book")
    request.do(lambda d: finish(d, Finished("book", number, unfit)))
    assert [(run.node, run.sure) for run in request.plan(Action.INPUT, "book").runs] == [("tell", False)]
    request.do(lambda d: options.provide_input(d, act(), "book", "{}"))
    request.run("pay")
    assert request.due == ["tell"]


@pytest.mark.parametrize("action", [Action.RETRIGGER, Action.FLOW])
def test_a_plan_with_another_version_lists_what_comes_by_itself_as_that_version_has_it(action: Action) -> None:
    """``desk`` runs, and what it leads to is another step from then on, which nobody has asked for otherwise."""
    lines, kinds = ("fork > pay", "fork > desk", "pay > end"), {"fork": "branch"}
    request = MemoryRequest(graph(*lines, "desk > end", kinds=kinds))
    request.succeed("fork")
    request.fail("pay", call=CallEffect.REJECTED)
    request.claim("desk")
    onto = (2, graph(*lines, "desk > refund", "refund > end", kinds=kinds))
    runs = request.plan(action, "pay", onto).runs
    assert [(run.node, run.sure) for run in runs] == [("pay", True), ("refund", False)]
    assert [run.node for run in request.plan(action, "pay").runs] == ["pay"]


@pytest.mark.parametrize("stale", [True, False])
def test_continue_flow_opens_the_merge_that_waits_for_what_does_not_come(stale: bool) -> None:
    """Planted: a side path that nothing will ever move, because its step is stale or its row says nothing of a way."""
    request = both_started()
    request.run("laptop")
    desk = request.steps["desk"]
    done, skipped = desk._replace(status=StepStatus.COMPLETED, stale=True), desk._replace(status=StepStatus.SKIPPED)
    request.steps["desk"] = (done if stale else skipped)._replace(due_at=None)
    assert request.do(unstick)
    assert request.status == "blocked"
    reason = request.request.reason or ""
    assert ("ready waits for desk" in reason) if stale else ("ready was never started" in reason)
    request.do(lambda d: options.continue_flow(d, act()))
    assert request.due == ["welcome"] and not request.steps["desk"].stale
    request.run("welcome")
    assert request.status == "completed"


def test_a_ticked_success_does_not_complete_what_a_stale_end_has_cancelled() -> None:
    """The end that cancelled ``ship`` does not stand any more, so ``ship`` is not over: Continue flow starts it."""
    request = MemoryRequest(cancelling())
    request.succeed("split")
    request.claim("ship")
    request.fail("pay", call=CallEffect.REJECTED)
    request.do(lambda d: options.retrigger(d, act(), "pay", flow=False, update_status=True))
    request.succeed("pay")
    assert (request.status, request.request.reason) == ("blocked", "remaining steps not started")
    request.do(lambda d: options.continue_flow(d, act(reason="go on", confirmed=True)))
    assert request.due == ["ship"]
    request.run("ship")
    assert request.status == "completed"
