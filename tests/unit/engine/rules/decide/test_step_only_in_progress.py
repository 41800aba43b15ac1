"""Step only while the request is in progress: it is left alone, and never left behind (SPEC 3.5, 4)."""

from __future__ import annotations

from engine.rules.allowed import Action, request_actions
from engine.rules.decide import options
from engine.rules.outcomes import Waits
from tests.support.memory import MemoryRequest, act, graph

ASKING = graph("ask -approved> after", "after > end", kinds={"ask": "approval"})
BEN = "ben@example.com"


def alone(request: MemoryRequest, node: str) -> None:
    request.do(lambda d: options.retrigger(d, act(), node, flow=False))


def test_an_approval_re_triggered_alone_leaves_the_request_in_progress_until_it_is_answered() -> None:
    request = MemoryRequest(ASKING)
    request.ask("ask", BEN)
    alone(request, "ask")
    assert request.status == "in_progress" and request.ends["ask", 1].outcome == "cancelled"
    request.ask("ask", BEN)
    assert request.status == "in_progress"


def test_answered_it_is_held_and_the_request_blocked_with_nothing_that_moves() -> None:
    request = MemoryRequest(ASKING)
    request.ask("ask", BEN)
    alone(request, "ask")
    request.ask("ask", BEN)
    request.answer("ask", True, BEN)
    assert request.steps["ask"].held and request.due == []
    assert (request.status, request.request.reason) == ("blocked", "remaining steps not started")
    assert Action.CONTINUE in request_actions(request.request, request.steps)
    request.do(lambda d: options.continue_flow(d, act()))
    request.run("after")
    assert request.status == "completed"


def test_rejected_without_a_path_it_is_blocked_and_so_is_the_request() -> None:
    request = MemoryRequest(ASKING)
    request.ask("ask", BEN)
    alone(request, "ask")
    request.ask("ask", BEN)
    request.answer("ask", False, BEN)
    assert request.statuses(("ask", "after")) == {"ask": "blocked", "after": "pending"}
    assert (request.status, request.request.reason) == ("blocked", "ask: Hanna Lead rejected it.")


def test_an_end_reached_while_a_failed_step_ran_alone_stands_once_that_has_failed_again() -> None:
    request = MemoryRequest(graph("a > end", "a -failure> mail", "mail > over", ends={"over": "failed"}))
    request.fail("a")
    alone(request, "a")
    request.run("mail")
    assert request.status == "blocked", "the step that runs alone can still go on"
    request.fail("a")
    assert (request.status, request.steps["a"].status.value) == ("failed", "failed")


def test_rejected_while_another_branch_moves_the_request_is_blocked_at_once() -> None:
    """It was waiting before, so its failure is new: nobody would hear of it before the other branch has ended."""
    lines = ["fork > ask", "fork > side", "ask -approved> end", "side > end"]
    request = MemoryRequest(graph(*lines, kinds={"fork": "branch", "ask": "approval"}))
    request.succeed("fork")
    request.ask("ask", BEN)
    alone(request, "ask")
    request.ask("ask", BEN)
    request.answer("ask", False, BEN)
    assert (request.status, request.request.reason) == ("blocked", "ask: Hanna Lead rejected it.")
    assert request.due == ["side"]


def test_a_callback_issued_anew_alone_that_nobody_calls_does_not_go_on_by_its_failure_path() -> None:
    lines = ["call > end", "call -failure> tell", "tell > end"]
    request = MemoryRequest(graph(*lines, kinds={"call": "callback"}))
    request.wait("call", Waits(60.0))
    alone(request, "call")
    request.wait("call", Waits(60.0))
    assert request.pass_time("call")
    assert request.statuses(("call", "tell")) == {"call": "blocked", "tell": "pending"}
    assert request.status == "blocked"


def test_a_re_trigger_that_lets_go_of_a_rejection_which_cancels_all_leaves_nothing_in_progress() -> None:
    fork = ("fork > boss", "fork > call", "boss -approved> pay", "boss -rejected> no", "call > pay", "pay > end")
    kinds = {"fork": "branch", "boss": "approval", "call": "callback"}
    request = MemoryRequest(graph(*fork, kinds=kinds, ends={"no": "rejected"}, cancels=("no",)))
    request.run("fork")
    request.ask("boss", BEN)
    request.wait("call")
    alone(request, "boss")
    request.ask("boss", BEN)
    request.answer("boss", False, BEN)
    request.do(lambda d: options.retrigger(d, act(), "call", flow=True))
    assert (request.status, request.due) == ("rejected", [])
