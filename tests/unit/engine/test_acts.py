"""The three options, Continue flow and Withdraw, rule by rule (SPEC 4 and 5)."""

from __future__ import annotations

from functools import partial

import pytest

from engine.allowed import Action
from engine.decide import options
from engine.decide.finish import Finished, finish
from engine.decide.lost import give_back, recover
from engine.decide.send import send
from engine.draft import Draft
from engine.errors import ConfirmationNeeded, Conflict, PlanChanged, Refused
from engine.outcomes import Failure, Success
from engine.states import CallEffect
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


class TestStepAndFlow:
    def test_goes_in_progress_at_once_and_runs_to_the_end(self) -> None:
        request = blocked_at(LINE, "a", at="b")
        with_flow(request, "b")
        assert request.status == "in_progress"
        request.run("b", "c")
        assert request.status == "completed"
        assert [a.kind.value for a in request.attempts if a.node == "b"] == ["initial", "retrigger"]

    def test_blocked_again_is_told_to_the_person_with_the_error_before(self) -> None:
        request = blocked_at(LINE, "a", at="b")
        with_flow(request, "b")
        request.fail("b", "timed out")
        assert request.status == "blocked"
        told = [n for n in request.notices if n.kind == "tell"]
        assert [n.actor for n in told] == ["slack:T1/U1"]
        assert told[0].event is not None and told[0].event.data is not None
        assert (told[0].event.data["before"], told[0].event.data["error"]) == ("503", "timed out")

    def test_a_new_budget_of_retries_and_recoveries(self) -> None:
        request = MemoryRequest(LINE)
        request.fail("a", retry_in=1.0)
        request.fail("a")
        assert request.steps["a"].retries == 1
        with_flow(request, "a")
        assert (request.steps["a"].retries, request.steps["a"].recoveries) == (0, 0)

    def test_what_ran_behind_a_failed_step_is_taken_back(self) -> None:
        request = MemoryRequest(TOLD)
        request.fail("a")
        request.run("mail")
        assert request.status == "failed"
        with_flow(request, "a")
        assert request.status == "in_progress"
        request.run("a", "b")
        assert request.status == "completed"
        assert request.statuses(("mail", "failed_end")) == {"mail": "cancelled", "failed_end": "cancelled"}

    def test_a_later_visit_is_initial_by_the_person_who_caused_it(self) -> None:
        request = MemoryRequest(TOLD)
        request.fail("a")
        request.run("mail")
        with_flow(request, "a")
        request.fail("a")
        request.run("mail")
        second = [a for a in request.attempts if a.node == "mail"][-1]
        assert second.cause is not None
        assert (second.kind.value, second.visit, second.cause.by) == ("initial", 2, "Hanna Lead")
        assert request.status == "failed"

    def test_side_branches_are_left_alone_and_the_merge_counts_them(self) -> None:
        request = MemoryRequest(FORK)
        request.run("a", "right")
        request.fail("left")
        with_flow(request, "left")
        request.run("left", "last")
        assert request.status == "completed"
        assert len([a for a in request.attempts if a.node == "right"]) == 1


class TestStepOnly:
    @pytest.mark.parametrize("ticked", [False, True])
    def test_fails_again_and_the_request_is_untouched(self, ticked: bool) -> None:
        request = blocked_at(LINE, "a", at="b")
        before = request.request
        step_only(request, "b", ticked)
        request.fail("b")
        assert request.request._replace(version=before.version, updated_at=before.updated_at) == before
        assert request.statuses(("b", "c")) == {"b": "blocked", "c": "pending"}

    def test_unticked_success_is_held_and_leaves_the_status(self) -> None:
        request = blocked_at(LINE, "a", at="b")
        step_only(request, "b")
        assert request.status == "blocked"
        request.succeed("b")
        assert request.status == "blocked"
        assert request.steps["b"].held and request.due == []
        request.do(lambda d: options.continue_flow(d, act()))
        assert request.status == "in_progress" and request.due == ["c"]
        request.run("c")
        assert request.status == "completed"

    def test_ticked_success_is_recalculated(self) -> None:
        request = blocked_at(LINE, "a", at="b")
        step_only(request, "b", ticked=True)
        request.succeed("b")
        assert (request.status, request.request.reason) == ("blocked", "remaining steps not started")

    def test_ticked_success_directly_before_an_end_completes(self) -> None:
        request = blocked_at(LINE, "a", "b", at="c")
        step_only(request, "c", ticked=True)
        request.succeed("c")
        assert request.status == "completed"
        assert request.statuses(("end",)) == {"end": "completed"} and not request.steps["c"].held

    def test_ticked_success_before_an_end_is_held_where_another_node_waits_to_hear_which_path_it_took(self) -> None:
        """``b`` would start, which the plan did not list: a step-only re-trigger runs that step and nothing else."""
        kinds = {"fork": "branch", "route": "decision"}
        forked = ("a > fork", "fork > route", "fork > b", "route -b> b", "route -end> end", "b > end")
        request = MemoryRequest(graph(*forked, kinds=kinds))
        request.run("a")
        request.fail("route")
        assert [run.node for run in request.plan(Action.RETRIGGER, "route").runs] == ["route"]
        step_only(request, "route", ticked=True)
        request.succeed("route", "end")
        assert (request.status, request.request.reason) == ("blocked", "remaining steps not started")
        assert request.steps["route"].held and request.due == []
        assert [run.node for run in request.plan(Action.CONTINUE).runs] == ["b"]
        request.do(lambda d: options.continue_flow(d, act()))
        request.run("b")
        assert request.status == "completed"

    def test_ticked_success_before_an_end_does_not_hide_another_end_that_waited_for_it(self) -> None:
        """Of several ends reached, rejected beats completed."""
        forked = ("fork > a", "fork > b", "a > end", "a -failure> no", "b > end", "b -failure> no")
        request = MemoryRequest(graph(*forked, kinds={"fork": "branch"}, ends={"no": "rejected"}))
        request.run("fork")
        unfit = Failure("request.input.x is not defined", must_block=True)
        number = request.claim("a")
        request.do(lambda d: finish(d, Finished("a", number, unfit)))
        request.fail("b")
        assert request.statuses(("a", "b", "no")) == {"a": "blocked", "b": "failed", "no": "pending"}
        step_only(request, "a", ticked=True)
        request.succeed("a")
        assert request.statuses(("end", "no")) == {"end": "completed", "no": "completed"}
        assert request.status == "rejected"

    def test_ticked_success_does_not_complete_what_still_runs_on_the_path_of_before(self) -> None:
        request = MemoryRequest(graph("a > end", "a -failure> mail", "mail > end"))
        request.fail("a")
        number = request.claim("mail")
        step_only(request, "a", ticked=True)
        request.succeed("a")
        assert (request.status, request.steps["mail"].stale) == ("in_progress", True)
        request.succeed("mail", attempt=number)
        assert (request.status, request.request.reason) == ("blocked", "remaining steps not started")
        request.do(lambda d: options.continue_flow(d, act()))
        assert request.status == "completed"

    def test_unticked_success_directly_before_an_end_waits_for_continue(self) -> None:
        request = blocked_at(LINE, "a", "b", at="c")
        step_only(request, "c")
        request.succeed("c")
        assert request.status == "blocked"
        request.do(lambda d: options.continue_flow(d, act()))
        assert request.status == "completed"

    def test_steps_behind_that_ran_are_stale_and_do_not_count(self) -> None:
        request = MemoryRequest(TOLD)
        request.fail("a")
        request.run("mail")
        step_only(request, "a", ticked=True)
        assert request.status == "failed"
        request.succeed("a")
        assert request.steps["mail"].stale and request.steps["failed_end"].stale
        assert (request.status, request.request.reason) == ("blocked", "remaining steps not started")
        request.do(lambda d: options.continue_flow(d, act()))
        request.run("b")
        assert request.status == "completed"

    def test_a_failed_step_that_fails_again_alone_is_failed_as_before(self) -> None:
        request = MemoryRequest(TOLD)
        request.fail("a")
        request.run("mail")
        step_only(request, "a")
        request.fail("a", "again")
        assert (request.status, request.steps["a"].status.value) == ("failed", "failed")

    @pytest.mark.parametrize("ticked", [False, True])
    def test_a_step_whose_workers_die_fails_again_too_and_the_request_is_untouched(self, ticked: bool) -> None:
        request = MemoryRequest(TOLD)
        request.fail("a")
        request.run("mail")
        step_only(request, "a", ticked)
        for _ in range(6):
            number = request.claim("a")
            request.do(partial(recover, node="a", attempt=number, jitter=0.0))
        assert (request.status, request.steps["a"].status.value, request.steps["a"].only) == ("failed", "failed", False)
        assert request.steps["a"].worker is None

    def test_no_merge_counts_a_held_step(self) -> None:
        request = MemoryRequest(FORK)
        request.run("a")
        request.fail("left")
        step_only(request, "left")
        request.succeed("left")
        request.run("right")
        assert request.due == [] and request.status == "blocked"
        request.do(lambda d: options.continue_flow(d, act()))
        request.run("last")
        assert request.status == "completed"

    def test_flow_anywhere_releases_what_is_held(self) -> None:
        request = MemoryRequest(FORK)
        request.run("a")
        request.fail("left")
        request.fail("right")
        step_only(request, "left")
        request.succeed("left")
        with_flow(request, "right")
        request.run("right", "last")
        assert request.status == "completed"


class TestProvideInput:
    def test_completes_the_step_without_a_call_and_the_flow_goes_on(self) -> None:
        request = blocked_at(LINE, "a", at="b")
        request.do(lambda d: options.provide_input(d, act(), "b", '{"id": 7}'))
        assert request.results["b"] == {"id": 7} and request.due == ["c"]
        assert request.attempts[-1].kind.value == "provided_input"
        request.run("c")
        assert request.status == "completed"

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


class TestSecondEffects:
    def blocked_after_a_call(self) -> MemoryRequest:
        request = MemoryRequest(LINE)
        number = request.claim("a")
        request.do(lambda d: send(d, "a", number, "key-1"))
        request.do(lambda d: _fail(d, "a", number))
        return request

    def test_the_same_key_needs_no_confirmation(self) -> None:
        request = self.blocked_after_a_call()
        with_flow(request, "a")
        number = request.claim("a")
        request.do(lambda d: send(d, "a", number, "key-1"))

    def test_a_new_key_needs_the_confirmation_and_a_reason(self) -> None:
        request = self.blocked_after_a_call()
        for facts in ({}, {"confirmed": True}, {"reason": "asked the bank"}):
            unconfirmed = partial(options.retrigger, act=act(**facts), node="a", flow=True, new_key=True)
            with pytest.raises(ConfirmationNeeded):
                request.do(unconfirmed)
        confirmed = act(confirmed=True, reason="asked the bank")
        request.do(lambda d: options.retrigger(d, confirmed, "a", flow=True, new_key=True))
        assert request.steps["a"].key_salt == 1
        number = request.claim("a")
        request.do(lambda d: send(d, "a", number, "key-2"))

    def test_a_call_whose_rendering_changed_is_stopped_before_it_leaves(self) -> None:
        request = self.blocked_after_a_call()
        with_flow(request, "a")
        number = request.claim("a")
        with pytest.raises(ConfirmationNeeded):
            request.do(lambda d: send(d, "a", number, "another"))

    def test_a_call_given_back_by_a_clean_stop_is_the_last_one_and_is_not_known(self) -> None:
        request = MemoryRequest(LINE)
        number = request.claim("a")
        request.do(lambda d: send(d, "a", number, "key-1"))
        request.do(lambda d: give_back(d, "a", number))
        assert request.steps["a"].call is CallEffect.UNKNOWN

    def test_a_function_that_did_not_come_to_its_call_keeps_what_the_last_one_did(self) -> None:
        request = MemoryRequest(graph("f > end", kinds={"f": "function"}))
        for leaves in (True, False):
            number = request.claim("f")
            if leaves:
                request.do(partial(send, node="f", attempt=number, key="key-1"))
            request.do(partial(recover, node="f", attempt=number, jitter=0.0))
        assert request.steps["f"].call is CallEffect.UNKNOWN
        number = request.claim("f")
        request.do(lambda d: finish(d, Finished("f", number, Failure("cannot be rendered", must_block=True))))
        assert request.steps["f"].call is CallEffect.UNKNOWN

    def test_calls_behind_that_would_be_repeated_need_it_too(self) -> None:
        request = MemoryRequest(TOLD)
        request.fail("a")
        number = request.claim("mail")
        request.do(lambda d: send(d, "mail", number, "mail-1"))
        request.do(lambda d: _succeed_call(d, "mail", number))
        with pytest.raises(ConfirmationNeeded, match="mail"):
            with_flow(request, "a")
        with_flow(request, "a", confirmed=True, reason="a second mail does no harm")
        assert request.status == "in_progress"


class TestTwoPeople:
    def test_the_second_is_told_who_did_what(self) -> None:
        request = blocked_at(LINE, "a", at="b")
        seen = request.steps["b"].version
        with_flow(request, "b", expect_version=seen)
        with pytest.raises(Conflict, match=r"is now ready\. Hanna Lead re-triggered step and flow at"):
            with_flow(request, "b", expect_version=seen)
        assert len([e for e in request.events if e.kind == "retriggered_flow"]) == 1

    def test_a_plan_of_another_state_does_nothing(self) -> None:
        request = blocked_at(LINE, "a", at="b")
        plan = request.plan(Action.FLOW, "b")
        with_flow(request, "b")
        request.fail("b")
        with pytest.raises(PlanChanged):
            with_flow(request, "b", plan_digest=plan.digest)


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


def _fail(draft: Draft, node: str, number: int) -> None:
    finish(draft, Finished(node, number, Failure("503", CallEffect.UNKNOWN)))


def _succeed_call(draft: Draft, node: str, number: int) -> None:
    finish(draft, Finished(node, number, Success({}, call=CallEffect.ACCEPTED), "{}"))
