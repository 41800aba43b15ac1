"""Whose act made another come too late: the latest one that concerns the step, or the whole request (SPEC 5)."""

from __future__ import annotations

from functools import partial

import pytest

from engine.errors import Conflict, Refused
from engine.rules.decide import options
from engine.rules.who_was_first import with_who_was_first
from engine.stored import RequestDetail, StepDetail
from tests.support.memory import MemoryRequest, act, graph

SIDES = graph("split > a", "a > b", "split > c", "b > end", "c > end")
OMAR, VERA = act(reason="why")._replace(by="Omar Other"), act(reason="why")._replace(by="Vera Viewer")


def told(request: MemoryRequest, refusal: Refused, node: str | None, *, continuing: bool = False) -> Refused:
    """``refusal``, as somebody hears it whose act on ``node`` it was."""
    steps = tuple(StepDetail(step, None) for step in request.steps.values())
    detail = RequestDetail(request.request, "", "{}", steps, (), tuple(request.events), request.now)
    return with_who_was_first(refusal, detail, request.graph, node, continuing=continuing)


def first(request: MemoryRequest, node: str | None, since: float = 0.0) -> str | None:
    """Who is named to somebody who acted on ``node`` as it was at ``since``."""
    conflict = told(request, Conflict("the step", "running", at=since), node)
    assert isinstance(conflict, Conflict)
    return conflict.by


@pytest.fixture
def blocked() -> MemoryRequest:
    request = MemoryRequest(SIDES)
    request.run("split")
    request.fail("a")
    request.fail("c")
    return request


@pytest.mark.parametrize(("flow", "behind"), [(True, "Omar Other"), (False, None)])
def test_only_an_act_that_lets_the_flow_go_on_concerns_the_steps_behind_it(
    blocked: MemoryRequest, flow: bool, behind: str | None
) -> None:
    blocked.do(partial(options.retrigger, act=OMAR, node="a", flow=flow))
    assert [first(blocked, node) for node in ("a", "b", "c")] == ["Omar Other", behind, None]


def test_so_does_input_by_hand(blocked: MemoryRequest) -> None:
    blocked.do(partial(options.provide_input, act=OMAR, node="a", result="{}"))
    assert [first(blocked, node) for node in ("b", "c")] == ["Omar Other", None]


def test_an_act_without_a_step_concerns_them_all_and_each_act_the_request(blocked: MemoryRequest) -> None:
    blocked.do(partial(options.retrigger, act=OMAR, node="c", flow=True))
    assert first(blocked, None) == "Omar Other"
    blocked.do(partial(options.withdraw, act=VERA))
    assert {first(blocked, node) for node in ("a", "b", "c", None)} == {"Vera Viewer"}


def test_an_older_act_than_what_the_refusal_knows_changes_nothing(blocked: MemoryRequest) -> None:
    blocked.do(partial(options.retrigger, act=OMAR, node="a", flow=True))
    assert first(blocked, "a", since=blocked.now + 1.0) is None


def test_what_a_rule_refuses_is_a_conflict_only_where_somebody_was_first(blocked: MemoryRequest) -> None:
    refusal = Refused("a is ready.")
    blocked.do(partial(options.retrigger, act=OMAR, node="a", flow=False))
    assert told(blocked, refusal, "a") is refusal
    blocked.do(partial(options.withdraw, act=VERA))
    beaten = told(blocked, refusal, "a")
    assert isinstance(beaten, Conflict) and (beaten.by, beaten.did, beaten.why) == (
        "Vera Viewer",
        "withdrew it",
        "a is ready.",
    )


def test_of_two_who_continue_the_flow_the_second_hears_of_the_first(blocked: MemoryRequest) -> None:
    blocked.do(partial(options.retrigger, act=OMAR, node="c", flow=False))
    blocked.run("c")
    blocked.do(partial(options.continue_flow, act=VERA))
    refusal = Refused("Nothing is held.")
    beaten = told(blocked, refusal, None, continuing=True)
    assert isinstance(beaten, Conflict) and (beaten.by, beaten.did) == ("Vera Viewer", "continued the flow")
    assert told(blocked, refusal, "a") is refusal, "it was about something else"
