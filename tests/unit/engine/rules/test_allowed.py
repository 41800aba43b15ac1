"""What may be done now, and the sentence where it may not (SPEC 4, *Refused*)."""

from __future__ import annotations

import pytest

from engine.rules.allowed import (
    Action,
    request_actions,
    step_actions,
    why_not_continue,
    why_not_input,
    why_not_retrigger,
    why_not_withdraw,
)
from engine.states import RequestStatus, StepStatus
from tests.support.memory import MemoryRequest, graph
from tests.unit.engine.rules.decide.samples import FORK, LINE, TOLD, blocked_at, step_only

ALL = (Action.RETRIGGER, Action.FLOW, Action.INPUT)


def offered(request: MemoryRequest, node: str) -> tuple[Action, ...]:
    return step_actions(request.request, request.steps[node], request.graph)


def failed() -> MemoryRequest:
    request = MemoryRequest(TOLD)
    request.fail("a")
    request.run("mail")
    assert request.request.status is RequestStatus.FAILED
    return request


def test_a_blocked_step_offers_everything_and_a_failed_one_no_input() -> None:
    blocked = blocked_at(LINE, "a", at="b")
    assert {node: offered(blocked, node) for node in "abc"} == {"a": (), "b": ALL, "c": ()}
    assert offered(failed(), "a") == (Action.RETRIGGER, Action.FLOW)


@pytest.mark.parametrize("kind", ["decision", "approval", "callback", "delay"])
def test_input_is_for_actions_and_functions(kind: str) -> None:
    request = blocked_at(graph("a > end", kinds={"a": kind}), at="a")
    assert offered(request, "a") == (Action.RETRIGGER, Action.FLOW)


def test_what_does_not_count_any_more_is_for_continue_flow() -> None:
    request = MemoryRequest(graph("a > b", "a -failure> mail", "b > end", "mail > end"))
    request.fail("a")
    request.fail("mail")
    step_only(request, "a")
    request.succeed("a")
    assert (request.steps["mail"].status, request.steps["mail"].stale) == (StepStatus.BLOCKED, True)
    for why_not in (why_not_retrigger, why_not_input):
        said = why_not(request.request, request.steps["mail"], request.graph)
        assert said is not None and "no longer counts. Use Continue flow" in said
    assert request_actions(request.request, request.steps) == (Action.CONTINUE, Action.WITHDRAW)
    request.steps["a"] = request.steps["a"]._replace(held=False)
    assert why_not_continue(request.request, request.steps) is None, "a stale step blocks nothing"


def test_what_retention_emptied_is_never_run_again() -> None:
    request = failed()
    assert offered(request, "a")
    pruned = request.request._replace(pruned_at=2000.0)
    said = {
        why_not_retrigger(pruned, request.steps["a"], request.graph),
        why_not_input(pruned, request.steps["a"], request.graph),
        why_not_continue(pruned, request.steps),
    }
    assert len(said) == 1 and "Submit it anew" in str(said)
    assert step_actions(pruned, request.steps["a"], request.graph) == ()
    assert request_actions(pruned, request.steps) == ()


def test_continue_flow_says_what_to_do_instead() -> None:
    going, blocked, done = MemoryRequest(LINE), MemoryRequest(FORK), failed()
    chosen = MemoryRequest(graph("a -no> off", kinds={"a": "decision"}, ends={"off": "failed"}))
    chosen.succeed("a", "no")
    blocked.run("a")
    blocked.fail("left")
    blocked.claim("right")
    for request, sentence in (
        (going, "The flow is going on by itself; there is nothing to continue."),
        (blocked, "No step is held. Re-trigger the blocked step with its flow, or provide its input."),
        (done, "Nothing is held or lost, so there is nothing to continue. Re-trigger a failed step, with its flow."),
        (chosen, "Nothing is held or lost, so there is nothing to continue. Submit another request instead."),
    ):
        assert why_not_continue(request.request, request.steps) == sentence


@pytest.mark.parametrize("status", RequestStatus)
def test_only_what_is_not_final_is_withdrawn(status: RequestStatus) -> None:
    open_ = status in (RequestStatus.IN_PROGRESS, RequestStatus.BLOCKED)
    said = why_not_withdraw(MemoryRequest(LINE).request._replace(status=status))
    assert (said is None) is open_
    assert open_ or f"REQ-1 is {status.label}, which is final" in str(said)
