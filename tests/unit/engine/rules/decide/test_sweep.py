"""Nothing hangs silently: the sweep for requests in progress that nothing moves (SPEC 3.5)."""

from __future__ import annotations

import pytest

from engine.errors import LostRow
from engine.rules.decide import options
from engine.rules.decide.lost import unstick
from engine.rules.outcomes import Waits
from engine.states import MOVING, StepStatus
from tests.support.memory import MemoryRequest, act, graph
from tests.unit.engine.rules.decide.samples import FORK, LINE, blocked_at


def lose(request: MemoryRequest, node: str) -> None:
    """A wake-up is lost: the step should be ready, and is not."""
    request.steps[node] = request.steps[node]._replace(status=StepStatus.PENDING, due_at=None)


@pytest.mark.parametrize("prepare", [lambda r: None, lambda r: r.claim("a"), lambda r: r.fail("a", retry_in=60.0)])
def test_what_is_ready_runs_or_waits_is_left_alone(prepare) -> None:
    request = MemoryRequest(LINE)
    prepare(request)
    before, told = request.request, len(request.events)
    assert request.do(unstick) is False
    assert (request.request, len(request.events)) == (before, told)


def test_so_is_an_approval_that_waits_for_ever_and_a_request_that_is_blocked() -> None:
    asking = MemoryRequest(graph("a > end", kinds={"a": "callback"}))
    asking.wait("a", Waits(None))
    for request in (asking, blocked_at(LINE, at="a")):
        before = request.request
        assert request.do(unstick) is False
        assert request.request == before


def test_a_lost_wake_up_is_named_and_continue_flow_mends_it() -> None:
    request = MemoryRequest(LINE)
    request.run("a")
    lose(request, "b")
    assert request.do(unstick)
    reason = "Nothing is running: b was never started; c waits for b; end waits for c."
    assert (request.status, request.request.reason) == ("blocked", reason)
    request.do(lambda d: options.continue_flow(d, act()))
    request.run("b", "c")
    assert request.status == "completed"


def test_a_merge_names_what_did_not_arrive() -> None:
    request = MemoryRequest(FORK)
    request.run("a", "left")
    lose(request, "right")
    assert request.do(unstick)
    assert str(request.request.reason).startswith("Nothing is running: right was never started; join waits for right;")


def row_gone(node: str) -> MemoryRequest:
    """A hand has deleted the row of a step, and with it the knowledge of what it has called."""
    request = MemoryRequest(LINE)
    request.run("a")
    del request.steps[node]
    return request


def test_a_row_that_is_gone_is_named_and_nothing_goes_on_without_it() -> None:
    request = row_gone("b")
    assert request.do(unstick)
    reason = "Nothing is running: the row of b is gone; c waits for b; end waits for c."
    assert (request.status, request.request.reason) == ("blocked", reason)
    with pytest.raises(LostRow, match="The row of the step b is gone"):
        request.do(lambda d: options.continue_flow(d, act()))


@pytest.mark.parametrize("node", ["a", "b", "c"])
def test_such_a_request_can_be_withdrawn(node: str) -> None:
    request = row_gone(node)
    request.do(lambda d: options.withdraw(d, act(reason="somebody has deleted a row")))
    assert request.status == "withdrawn"
    assert not any(step.status in MOVING for step in request.steps.values())
