"""Provide input, Withdraw, and what refuses each option (SPEC 4 and 5)."""

from __future__ import annotations

from functools import partial

import pytest

from engine.errors import Conflict, PlanChanged, Refused
from engine.rules.allowed import Action
from engine.rules.decide import options
from tests.support.memory import MemoryRequest, act, graph
from tests.unit.engine.rules.decide.samples import CHOICE, LINE, TOLD, blocked_at, step_only, with_flow


class TestProvideInput:
    def test_completes_the_step_without_a_call_and_the_flow_goes_on(self) -> None:
        request = blocked_at(LINE, "a", at="b")
        request.do(lambda d: options.provide_input(d, act(), "b", '{"id": 7}'))
        assert request.results["b"] == {"id": 7} and request.due == ["c"]
        assert request.attempts[-1].kind.value == "provided_input"
        assert [event.kind for event in request.events[-3:]] == ["input_provided", "step_completed", "status_changed"]
        request.run("c")
        assert request.status == "completed"

    def test_what_ran_behind_it_runs_again_with_the_result(self) -> None:
        """A version has put it before a step that had begun."""
        request = blocked_at(graph("a > b", "b > end"), "a", at="b")
        onto = (2, graph("a > new", "new > b", "b > end"))
        request.do(partial(options.retrigger, act=act(), node="b", flow=True, onto=onto))
        request.fail("new")
        request.fail("b")
        request.do(partial(options.provide_input, act=act(), node="new", result="{}"))
        assert (request.due, request.steps["b"].visit) == (["b"], 2)

    def test_only_while_blocked(self) -> None:
        request = MemoryRequest(TOLD)
        request.fail("a")
        with pytest.raises(
            Refused, match=r"input can be provided only while a step is blocked\. Re-trigger it instead"
        ):
            request.do(lambda d: options.provide_input(d, act(), "a", "{}"))

    def test_not_for_a_decision(self) -> None:
        request = MemoryRequest(CHOICE)
        request.run("a")
        request.fail("route")
        with pytest.raises(Refused, match="kind decision"):
            request.do(lambda d: options.provide_input(d, act(), "route", "{}"))


class TestTwoPeople:
    def test_the_second_is_told_who_did_what(self) -> None:
        request = blocked_at(LINE, "a", at="b")
        seen = request.steps["b"].version
        with_flow(request, "b", expect_version=seen)
        with pytest.raises(Conflict, match=r"is now ready\. Hanna Lead re-triggered step and flow at"):
            with_flow(request, "b", expect_version=seen)
        assert len([e for e in request.events if e.kind == "retriggered_flow"]) == 1

    @pytest.mark.parametrize("first", ["provided input", "re-triggered step and flow"])
    def test_who_came_second_is_told_so_though_they_did_not_say_what_they_saw(self, first: str) -> None:
        request = blocked_at(LINE, "a", at="b")
        by_hand = partial(options.provide_input, act=act(), node="b", result="{}")
        anew = partial(options.retrigger, act=act(), node="b", flow=True)
        request.do(by_hand if first == "provided input" else anew)
        for second in (by_hand, anew):
            with pytest.raises(Conflict, match=f"Hanna Lead {first} at"):
                request.do(second)

    @pytest.mark.parametrize("flow", [True, False])
    def test_what_was_clicked_before_it_was_blocked_again_does_nothing(self, flow: bool) -> None:
        request = blocked_at(LINE, "a", at="b")
        old = act(expect_version=request.steps["b"].version)
        with_flow(request, "b")
        request.fail("b")
        again = partial(options.retrigger, node="b", flow=flow)
        for late in (again, partial(options.provide_input, node="b", result="{}")):
            with pytest.raises(Conflict, match=r"is now blocked\. Hanna Lead re-triggered step and flow at"):
                request.do(partial(late, act=old))
        request.do(partial(again, act=act(expect_version=request.steps["b"].version)))

    def test_a_plan_of_another_state_does_nothing(self) -> None:
        request = blocked_at(LINE, "a", at="b")
        plan = request.plan(Action.FLOW, "b")
        with_flow(request, "b")
        request.fail("b")
        with pytest.raises(PlanChanged):
            with_flow(request, "b", plan_digest=plan.digest)

    @pytest.mark.parametrize(
        ("action", "act_on"), [(Action.CONTINUE, options.continue_flow), (Action.WITHDRAW, options.withdraw)]
    )
    def test_acts_on_the_request_are_bound_to_their_plan_too(self, action: Action, act_on) -> None:
        request = blocked_at(LINE, "a", at="b")
        step_only(request, "b")
        request.succeed("b")
        plan = request.plan(action)
        request.do(lambda d: options.continue_flow(d, act()))
        with pytest.raises(PlanChanged):
            request.do(partial(act_on, act=act(reason="now", plan_digest=plan.digest)))

    @pytest.mark.parametrize("act_on", [options.continue_flow, options.withdraw])
    def test_acts_on_the_request_are_bound_to_the_request_that_was_seen(self, act_on) -> None:
        request = blocked_at(LINE, "a", at="b")
        seen = request.request.version
        step_only(request, "b", ticked=True)
        request.succeed("b")
        for version in (seen, request.request.version + 1):
            with pytest.raises(Conflict, match=r"REQ-1 is now blocked\. Hanna Lead re-triggered at"):
                request.do(partial(act_on, act=act(reason="now", expect_version=version)))
        request.do(partial(act_on, act=act(reason="now", expect_version=request.request.version)))
        assert request.status != "blocked"


class TestWithdraw:
    def test_fences_off_what_runs(self) -> None:
        request = MemoryRequest(LINE)
        number = request.claim("a")
        request.do(lambda d: options.withdraw(d, act(reason="typed twice")))
        assert request.status == "withdrawn"
        assert set(request.statuses().values()) == {"cancelled"}
        assert request.succeed("a", attempt=number) is False
        assert request.status == "withdrawn" and request.events[-1].kind == "late_result"

    def test_needs_a_reason_and_a_request_that_is_not_final(self) -> None:
        request = MemoryRequest(LINE)
        with pytest.raises(Refused, match="needs a reason"):
            request.do(lambda d: options.withdraw(d, act()))
        request.run("a", "b", "c")
        with pytest.raises(Refused, match="is Completed, which is final"):
            request.do(lambda d: options.withdraw(d, act(reason="late")))


class TestRefusals:
    @pytest.mark.parametrize(
        ("prepare", "node", "sentence"),
        [
            (lambda r: None, "a", "a is ready. It is about to run"),
            (lambda r: r.claim("a"), "a", "a is running. Wait for its outcome"),
            (lambda r: r.run("a"), "a", "a is completed. Only blocked and failed"),
            (lambda r: None, "b", "b is pending. It starts by itself"),
            (
                lambda r: r.run("a", "b", "c"),
                "a",
                "REQ-1 is Completed, which is final.* Submit another request instead",
            ),
        ],
    )
    def test_each_says_why_and_what_instead(self, prepare, node: str, sentence: str) -> None:
        request = MemoryRequest(LINE)
        prepare(request)
        with pytest.raises(Refused, match=sentence):
            with_flow(request, node)
