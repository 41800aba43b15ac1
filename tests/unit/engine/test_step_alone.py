"""Step only while the request is in progress: it is left alone, and never left behind (SPEC 3.5, 4)."""

from __future__ import annotations

from engine.allowed import Action, request_actions
from engine.decide import options
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
    assert Action.CONTINUE in request_actions(request.request, request.steps, request.graph)
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
