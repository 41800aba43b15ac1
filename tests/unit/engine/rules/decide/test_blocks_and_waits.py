"""Sync blocks, early callbacks and plans over what waits, rule by rule (SPEC 1, 2, 4)."""

from __future__ import annotations

from functools import partial

import pytest

from engine.errors import CallbackRefused, LeaseLost
from engine.graph import Graph
from engine.rules.allowed import Action, why_not_input, why_not_retrigger
from engine.rules.decide import options
from engine.rules.decide.finish import Finished, finish
from engine.rules.decide.lost import recover
from engine.rules.decide.send import send
from engine.rules.decide.waits import answer
from engine.rules.outcomes import Failure
from engine.states import CallEffect
from tests.support.memory import MemoryRequest, act, graph
from tests.unit.engine.rules.decide.samples import CHOICE, FORK, LINE, TOLD, blocked_at, step_only

BLOCK = graph("block > end", inner={"block": ("one", "two")})
CALLED = graph("ask > wait", "wait > end", kinds={"wait": "callback"})


def with_flow(request: MemoryRequest, node: str) -> None:
    request.do(lambda d: options.retrigger(d, act(confirmed=True, reason="because"), node, flow=True))


class TestBlock:
    def test_inner_steps_refuse_acts_and_name_the_block(self) -> None:
        request = MemoryRequest(BLOCK)
        for refusal in (why_not_retrigger, why_not_input):
            said = refusal(request.request, request.steps["one"], request.graph)
            assert said is not None and "Re-trigger block" in said

    def test_what_an_inner_step_still_gives_after_its_block_was_given_up_is_kept_as_evidence(self) -> None:
        request = MemoryRequest(BLOCK)
        number = request.claim("block")
        inner = request.begin_inner("block", "one")
        request.do(lambda d: send(d, "one", inner, "key-1"))
        request.do(lambda d: finish(d, Finished("block", number, Failure("took longer"))))
        assert request.statuses(("block", "one")) == {"block": "blocked", "one": "failed"}
        assert request.steps["block"].call is request.steps["one"].call is CallEffect.UNKNOWN
        with pytest.raises(LeaseLost):
            request.end_inner("block", "one")

    @pytest.mark.parametrize(("left", "call"), [(True, CallEffect.UNKNOWN), (False, None)])
    def test_what_is_known_of_a_call_inside_is_known_of_the_block_whose_worker_died(
        self, left: bool, call: CallEffect | None
    ) -> None:
        request = MemoryRequest(BLOCK)
        number = request.claim("block")
        inner = request.begin_inner("block", "one")
        if left:
            request.do(lambda d: send(d, "one", inner, "key-1"))
        request.do(lambda d: recover(d, "block", number, 0.0))
        assert request.statuses(("block", "one")) == {"block": "ready", "one": "pending"}
        assert (request.steps["block"].call, request.steps["one"].call) == (call, call)

    def test_a_re_run_starts_at_the_first(self) -> None:
        request = MemoryRequest(BLOCK)
        request.claim("block")
        request.run_inner("block", "one")
        request.begin_inner("block", "two")
        request.end_inner("block", "two", Failure("503"))
        request.do(lambda d: finish(d, Finished("block", 1, Failure("two: 503"))))
        with_flow(request, "block")
        request.claim("block")
        request.begin_inner("block", "one")
        assert request.statuses(("one", "two")) == {"one": "running", "two": "pending"}
        assert (request.steps["one"].visit, request.steps["one"].attempt) == (1, 2), "the key stays"

    def test_what_runs_inside_says_why_as_the_block_does(self) -> None:
        request = MemoryRequest(BLOCK)
        request.fail("block")
        with_flow(request, "block")
        request.claim("block")
        request.begin_inner("block", "one")
        one = request.attempts[-1]
        assert (one.node, one.kind.value, one.trigger and one.trigger.reason) == ("one", "retrigger", "because")

    def test_a_re_trigger_opens_a_fresh_budget_of_retries_inside(self) -> None:
        request = MemoryRequest(BLOCK)
        number = request.claim("block")
        request.begin_inner("block", "one")
        request.end_inner("block", "one", Failure("503"), retry_in=1.0)
        assert request.steps["one"].retries == 1
        request.do(lambda d: finish(d, Finished("block", number, Failure("one: 503"))))
        with_flow(request, "block")
        assert request.steps["one"].retries == 0

    def test_the_flow_that_comes_to_it_again_opens_one_too(self) -> None:
        ways = ("a > block", "a -failure> block", "block > end")
        request = MemoryRequest(graph(*ways, inner={"block": ("one", "two")}))
        request.fail("a")
        number = request.claim("block")
        request.begin_inner("block", "one")
        request.end_inner("block", "one", Failure("503"), retry_in=1.0)
        request.do(lambda d: finish(d, Finished("block", number, Failure("one: 503"))))
        with_flow(request, "a")
        request.run("a")
        assert (request.due, request.steps["one"].retries) == (["block"], 0)

    def test_a_new_key_of_the_block_is_one_of_every_step_inside(self) -> None:
        request = MemoryRequest(BLOCK)
        for times in (0, 1):
            request.fail("block")
            anew = partial(options.retrigger, act=act(confirmed=True, reason="it is another call"), flow=True)
            request.do(partial(anew, node="block", new_key=bool(times)))
            assert [request.steps[name].key_salt for name in ("block", "one", "two")] == [times] * 3


class TestApproval:
    @pytest.mark.parametrize("yes", [True, False])
    def test_the_workflow_goes_on_with_the_reason_as_it_was_typed_and_not_as_lists_show_it(self, yes: bool) -> None:
        request = MemoryRequest(graph("ask -approved> end", "ask -rejected> end", kinds={"ask": "approval"}))
        request.ask("ask", "hanna@example.com")
        said, hanna = act(reason="the pin is •••", typed="the pin is 4711"), frozenset({"hanna@example.com"})
        request.do(lambda d: answer(d, said, "ask", yes, hanna))
        assert request.results["ask"] == {"approved": yes, "by": ["Hanna Lead"], "reason": "the pin is 4711"}
        assert {event.reason for event in request.events if event.by} == {"the pin is •••"}


class TestCallback:
    def test_an_early_call_outlives_a_re_trigger_of_the_failed_step_before_it(self) -> None:
        way = graph("ask > wait", "ask -failure> tell", "wait > end", "tell > end", kinds={"wait": "callback"})
        request = MemoryRequest(way)
        number = request.claim("ask")
        request.call_back("wait")
        request.do(lambda d: finish(d, Finished("ask", number, Failure("no answer"))))
        assert request.steps["wait"].status.value == "skipped"
        with_flow(request, "ask")
        request.succeed("ask")
        request.wait("wait")
        assert request.steps["wait"].status.value == "completed", "the outside system will not call again"

    def test_an_early_call_of_a_visit_that_is_taken_back_counts_for_no_other(self) -> None:
        way = graph("a > end", "a -failure> wait", "wait > no", kinds={"wait": "callback"}, ends={"no": "failed"})
        request = MemoryRequest(way)
        request.fail("a")
        request.claim("wait")
        request.call_back("wait")
        assert request.steps["wait"].early
        with_flow(request, "a")
        assert (request.steps["wait"].early, request.steps["wait"].visit) == (False, 2)
        request.fail("a")
        request.wait("wait")
        assert request.steps["wait"].status.value == "waiting"

    def test_an_early_call_does_not_count_once_what_gave_its_address_out_makes_another_call(self) -> None:
        """Whoever is called the second time calls back for that; the result of the first order is not its result."""
        lines = ("prep > ask", "prep -failure> tidy", "tidy > ask", "ask > check", "check > wait", "wait > end")
        request = MemoryRequest(graph(*lines, kinds={"wait": "callback"}, callers={"ask": {"wait"}}))
        request.fail("prep")
        request.run("tidy", "ask")
        request.fail("check")
        request.call_back("wait")
        with_flow(request, "prep")
        assert (request.steps["wait"].early, request.steps["wait"].visit) == (False, 2)
        request.run("prep", "ask", "check")
        with pytest.raises(CallbackRefused, match="another address"):
            request.call_back("wait", 0)
        request.wait("wait")
        request.call_back("wait")
        assert request.status == "completed"

    def test_an_early_call_counts_though_others_before_it_run_again(self) -> None:
        lines = ("fork > ask", "fork > prep", "prep > more", "prep -failure> more", "more > check", "ask > wait")
        kinds = {"fork": "branch", "wait": "callback"}
        way = graph(*lines, "check > wait", "wait > end", kinds=kinds, callers={"ask": {"wait"}})
        request = MemoryRequest(way)
        request.run("fork", "ask")
        request.fail("prep")
        request.run("more")
        request.call_back("wait")
        request.fail("check")
        with_flow(request, "prep")
        request.run("prep", "more", "check")
        request.wait("wait")
        assert request.status == "completed", "the outside system will not call again"

    @pytest.mark.parametrize("comes", ["before", "after"])
    def test_taken_back_it_waits_at_the_address_that_no_step_gives_out_again(self, comes: str) -> None:
        """Else nobody would know the address at which it waits, and whoever knows the old one would be refused."""
        lines = ("ask > prep", "prep > wait", "prep -failure> tell", "tell > wait", "wait > last", "last > end")
        request = MemoryRequest(graph(*lines, kinds={"wait": "callback"}, callers={"ask": {"wait"}}))
        request.run("ask")
        request.fail("prep")
        request.run("tell")
        request.wait("wait")
        if comes == "before":
            request.call_back("wait", 0)
            request.fail("last")
        with_flow(request, "prep")
        request.run("prep")
        request.wait("wait")
        if comes == "after":
            request.call_back("wait", 0)
        assert (request.steps["wait"].status.value, request.steps["wait"].visit) == ("completed", 2)
        with pytest.raises(CallbackRefused, match="it is completed"):
            request.call_back("wait", 0)
        request.run("last")
        assert request.status == "completed"

    def test_a_second_call_is_refused(self) -> None:
        request = MemoryRequest(CALLED)
        request.call_back("wait")
        with pytest.raises(CallbackRefused, match="called already"):
            request.call_back("wait")

    def test_a_new_address_voids_the_old(self) -> None:
        request = MemoryRequest(CALLED)
        request.succeed("ask")
        request.wait("wait")
        old = request.steps["wait"].key_salt
        with_flow(request, "wait")
        with pytest.raises(CallbackRefused, match="another address"):
            request.call_back("wait", old)
        request.wait("wait")
        request.call_back("wait")
        assert request.status == "completed"


class TestPlan:
    @pytest.mark.parametrize(
        ("way", "runs"),
        [
            (LINE, [("a", True), ("b", True), ("c", True)]),
            (CHOICE, [("a", True), ("route", True), ("left", False), ("right", False), ("last", False)]),
        ],
    )
    def test_what_follows_when_all_goes_well_is_sure_and_what_a_decision_chooses_is_not(
        self, way: Graph, runs: list[tuple[str, bool]]
    ) -> None:
        request = blocked_at(way, at="a")
        assert [(run.node, run.sure) for run in request.plan(Action.FLOW, "a").runs] == runs

    def test_a_failure_path_is_not_sure(self) -> None:
        request = MemoryRequest(TOLD)
        request.fail("a")
        runs = [(run.node, run.sure) for run in request.plan(Action.FLOW, "a").runs]
        assert sorted(runs) == [("a", True), ("b", True), ("mail", False)]

    def test_continue_lists_what_waits_for_another_path_beside_the_held_step(self) -> None:
        request = MemoryRequest(FORK)
        request.run("a")
        request.fail("left")
        request.claim("right")
        step_only(request, "left")
        request.run("left")
        assert [(r.node, r.sure) for r in request.plan(Action.CONTINUE).runs] == [("last", False)]

    def test_what_waits_for_a_blocked_side_branch_is_not_promised(self) -> None:
        request = MemoryRequest(FORK)
        request.run("fork")
        request.fail("left")
        request.fail("right")
        assert [(r.node, r.sure) for r in request.plan(Action.FLOW, "left").runs] == [("left", True), ("last", False)]

    def test_what_waits_for_a_side_branch_that_runs_is_not_sure(self) -> None:
        request = MemoryRequest(FORK)
        request.run("fork")
        request.fail("left")
        request.claim("right")
        assert [(r.node, r.sure) for r in request.plan(Action.FLOW, "left").runs] == [("left", True), ("last", False)]

    def test_what_an_end_may_cancel_is_not_sure(self) -> None:
        way = graph(
            "fork > a", "fork > x", "a > b", "b > end", "x > over",
            kinds={"fork": "branch"}, ends={"over": "failed"}, cancels={"over"},
        )  # fmt: skip
        request = MemoryRequest(way)
        request.run("fork")
        request.fail("a")
        request.claim("x")
        assert [(r.node, r.sure) for r in request.plan(Action.FLOW, "a").runs] == [("a", True), ("b", False)]

    def test_what_lies_behind_a_step_that_runs_alone_is_not_sure(self) -> None:
        way = graph("a > end", "a -failure> b", "b > c", "c > end", kinds={"b": "callback"})
        request = MemoryRequest(way)
        request.fail("a")
        request.wait("b")
        request.do(lambda d: options.retrigger(d, act(), "a", flow=False))
        assert [(r.node, r.sure) for r in request.plan(Action.FLOW, "b").runs] == [("b", True), ("c", False)]

    def test_input_lists_what_still_waits_for_another_path(self) -> None:
        request = MemoryRequest(FORK)
        request.run("fork")
        request.fail("left")
        request.claim("right")
        assert [(r.node, r.sure) for r in request.plan(Action.INPUT, "left").runs] == [("last", False)]
