"""A version that makes another kind of step of a node: what the old kind was given counts for nothing (SPEC 1, 4)."""

from __future__ import annotations

from functools import partial

import pytest

from engine.errors import CallbackRefused, ConfirmationNeeded
from engine.graph import Graph
from engine.rules.allowed import step_actions
from engine.rules.decide import options
from engine.rules.decide.finish import Finished, finish
from engine.rules.decide.send import send
from engine.rules.outcomes import Success, Waits
from engine.states import CallEffect
from tests.support.memory import MemoryRequest, act, graph

CALLED = graph("ask > wait", "wait > end", kinds={"wait": "callback"}, callers={"ask": ("wait",)})
APPROVED = graph(
    "ask > wait", "wait -approved> end", "wait -rejected> no", kinds={"wait": "approval"}, ends={"no": "rejected"}
)
WITHOUT = graph("ask > end")


def again(request: MemoryRequest, node: str, *onto: tuple[int, Graph]) -> None:
    for version in onto:
        request.do(partial(options.retrigger, act=act(), node=node, flow=True, onto=version))
        request.fail(node, call=CallEffect.NOT_SENT)
    request.do(lambda d: options.retrigger(d, act(), node, flow=True))
    request.succeed(node)


def called_early() -> MemoryRequest:
    """The outside system has called; the step that told it where to is blocked all the same."""
    request = MemoryRequest(CALLED)
    number = request.claim("ask")
    request.call_back("wait")
    request.fail("ask", call=CallEffect.NOT_SENT, attempt=number)
    return request


@pytest.mark.parametrize("versions", [((2, APPROVED),), ((2, WITHOUT), (3, APPROVED))])
def test_an_early_call_does_not_answer_an_approval(versions: tuple[tuple[int, Graph], ...]) -> None:
    request = called_early()
    again(request, "ask", *versions)
    request.ask("wait", "hanna@example.com")
    assert (request.status, request.statuses(["wait"])) == ("in_progress", {"wait": "waiting"})
    request.answer("wait", False, "hanna@example.com")
    assert request.status == "rejected"


def test_an_early_call_does_not_end_a_delay() -> None:
    request = called_early()
    again(request, "ask", (2, graph("ask > wait", "wait > end", kinds={"wait": "delay"})))
    request.wait("wait", Waits(60.0))
    assert request.statuses(["wait"]) == {"wait": "waiting"}


def test_an_early_call_outlives_a_version_that_lacked_its_callback() -> None:
    """Nobody will call a second time."""
    request = called_early()
    again(request, "ask", (2, WITHOUT), (3, CALLED))
    request.wait("wait")
    assert request.status == "completed"


def test_its_address_does_not_answer_an_approval() -> None:
    request = MemoryRequest(CALLED)
    request.succeed("ask")
    request.wait("wait")
    request.do(partial(options.retrigger, act=act(), node="wait", flow=True, onto=(2, APPROVED)))
    request.ask("wait", "hanna@example.com")
    with pytest.raises(CallbackRefused, match="in version 2 it is of kind approval"):
        request.call_back("wait", 0)
    assert request.statuses(["wait"]) == {"wait": "waiting"}


def test_a_call_that_is_done_is_forgotten_only_with_a_confirmation() -> None:
    """What stands for it now would make another call, if the flow came to it again."""
    lines = ("fork > pay", "fork > a", "pay > end", "a > end")
    request = MemoryRequest(graph(*lines, kinds={"fork": "branch"}))
    request.succeed("fork")
    number = request.claim("pay")
    request.do(lambda d: send(d, "pay", number, "key-1"))
    request.do(lambda d: finish(d, Finished("pay", number, Success("{}", call=CallEffect.ACCEPTED))))
    request.fail("a", call=CallEffect.NOT_SENT)
    onto = (2, graph(*lines, kinds={"fork": "branch", "pay": "function"}))
    act_ = partial(options.retrigger, node="a", flow=True, onto=onto)
    with pytest.raises(ConfirmationNeeded, match="pay"):
        request.do(lambda d: act_(d, act()))
    request.do(lambda d: act_(d, act(confirmed=True, reason="it is the same payment")))
    assert (request.steps["pay"].kind, request.steps["pay"].status.value) == ("function", "completed")


def test_what_runs_meanwhile_starts_again_as_what_it_is_now() -> None:
    lines = ("fork > a", "fork > b", "a > end", "b > end")
    request = MemoryRequest(graph(*lines, kinds={"fork": "branch"}))
    request.succeed("fork")
    request.fail("a", call=CallEffect.NOT_SENT)
    number = request.claim("b")
    onto = (2, graph(*lines, kinds={"fork": "branch", "b": "approval"}))
    request.do(partial(options.retrigger, act=act(), node="a", flow=True, onto=onto))
    assert request.statuses(["b"]) == {"b": "ready"}
    assert request.succeed("b", attempt=number) is False, "an action's outcome says nothing of an approval"


def test_a_blocked_step_that_becomes_an_approval_takes_no_input() -> None:
    request = MemoryRequest(graph("a > end"))
    request.fail("a", call=CallEffect.NOT_SENT)
    onto = (2, graph("a -approved> end", kinds={"a": "approval"}))
    request.do(partial(options.retrigger, act=act(), node="a", flow=True, onto=onto))
    request.ask("a", "hanna@example.com")
    assert [action.value for action in step_actions(request.request, request.steps["a"], request.graph)] == [
        "retrigger",
        "flow",
    ]
