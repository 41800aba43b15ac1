"""Going on with another version: what it must have, what starts again, and what it brings (SPEC 4)."""

from __future__ import annotations

from functools import partial

import pytest

from engine.errors import ConfirmationNeeded, PlanChanged, Refused
from engine.graph import Graph, GraphNode
from engine.rules.allowed import Action
from engine.rules.decide import options
from engine.rules.decide.finish import Finished, finish
from engine.rules.decide.send import send
from engine.rules.outcomes import Failure, Success
from engine.states import CallEffect
from tests.support.memory import MemoryRequest, act, graph

V1 = graph("a > pay", "a -failure> pay", "pay > end")
V2 = graph("a > pay_now", "a -failure> pay_now", "pay_now > end")


def again(request: MemoryRequest, node: str, onto: tuple[int, Graph] | None = None, **how: bool) -> None:
    """Re-trigger the step, with its flow unless told, and with that version."""
    request.do(lambda d: options.retrigger(d, act(), node, **{"flow": True, **how}, onto=onto))


def call(request: MemoryRequest, node: str, key: str, effect: CallEffect) -> None:
    """The step makes its call under this key, fails, and that is what the call is known to have done."""
    number = request.claim(node)
    request.do(lambda d: send(d, node, number, key))
    request.do(lambda d: finish(d, Finished(node, number, Failure("no", effect))))


def with_inside(workflow: Graph, block: str, *steps: str) -> Graph:
    """The same graph with these actions inside a block."""
    inside = {block: tuple(GraphNode(step, "action") for step in steps)}
    return Graph(workflow.nodes, workflow.edges, workflow.start, inside)


class TestVersions:
    def test_a_step_under_another_name_is_another_call(self) -> None:
        request = MemoryRequest(V1)
        request.fail("a", call=CallEffect.NOT_SENT)
        call(request, "pay", "k1", CallEffect.UNKNOWN)
        with pytest.raises(ConfirmationNeeded, match="pay"):
            again(request, "a", onto=(2, V2))

    @pytest.mark.parametrize("action", [Action.RETRIGGER, Action.FLOW])
    def test_the_plan_is_refused_as_the_act_is_where_the_version_lacks_the_step(self, action: Action) -> None:
        request = MemoryRequest(V1)
        request.succeed("a")
        request.fail("pay", call=CallEffect.NOT_SENT)
        for refused in (
            lambda: again(request, "pay", onto=(2, V2), flow=action is Action.FLOW),
            lambda: request.do(lambda d: options.rehearse(d, action, "pay", onto=(2, V2))),
        ):
            with pytest.raises(Refused, match="Version 2 has no step pay"):
                refused()

    def test_a_result_that_was_checked_by_another_version_is_not_taken(self) -> None:
        request = MemoryRequest(V1)
        request.succeed("a")
        request.fail("pay", call=CallEffect.NOT_SENT)
        with pytest.raises(PlanChanged):
            request.do(lambda d: options.provide_input(d, act(), "pay", "{}", checked=2))
        request.do(lambda d: options.provide_input(d, act(), "pay", "{}", checked=1))
        assert request.statuses()["pay"] == "completed"

    def test_a_node_that_comes_back_goes_on_with_its_numbers(self) -> None:
        request = MemoryRequest(V1)
        request.fail("a", call=CallEffect.NOT_SENT)
        request.fail("pay", call=CallEffect.NOT_SENT)
        again(request, "a", onto=(2, V2))
        assert request.statuses() == {"a": "ready", "pay": "cancelled", "end": "pending", "pay_now": "pending"}
        request.fail("a", call=CallEffect.NOT_SENT)
        request.fail("pay_now", call=CallEffect.NOT_SENT)
        again(request, "a", onto=(1, V1))
        request.run("a", "pay")
        assert request.status == "completed"
        assert [a.number for a in request.attempts if a.node == "pay"] == [1, 2]

    def test_a_step_that_runs_keeps_its_version(self) -> None:
        request = MemoryRequest(graph("fork > a", "fork > b", "a > end", "b > end", kinds={"fork": "branch"}))
        request.succeed("fork")
        request.fail("a", call=CallEffect.NOT_SENT)
        number = request.claim("b")
        with pytest.raises(Refused, match="blocked or under way"):
            again(request, "a", onto=(2, graph("fork > a", "a > end", kinds={"fork": "branch"})))
        assert request.succeed("b", attempt=number)

    def test_a_block_that_runs_while_another_version_changes_what_is_in_it_starts_again(self) -> None:
        """Its worker can write nothing into it any more, and still held it."""
        lines = ["fork > a", "fork > block", "a > end", "block > end"]
        before = with_inside(graph(*lines, kinds={"fork": "branch", "block": "sync"}), "block", "one", "two")
        after = with_inside(before, "block", "first", "one", "two")
        request = MemoryRequest(before)
        request.succeed("fork")
        request.fail("a", call=CallEffect.NOT_SENT)
        number = request.claim("block")
        request.begin_inner("block", "one")
        again(request, "a", onto=(2, after))
        assert request.statuses(("block", "one", "first")) == {"block": "ready", "one": "pending", "first": "pending"}
        assert request.succeed("block", attempt=number) is False
        request.claim("block")
        request.run_inner("block", "first", "one", "two")

    def test_what_failed_inside_a_block_may_be_another_step_in_the_version_that_mends_it(self) -> None:
        line = graph("block > end", kinds={"block": "sync"})
        request = MemoryRequest(with_inside(line, "block", "make", "enter"))
        number = request.claim("block")
        request.run_inner("block", "make")
        request.begin_inner("block", "enter")
        request.end_inner("block", "enter", Failure("422", CallEffect.REJECTED))
        request.do(lambda d: finish(d, Finished("block", number, Failure("enter: 422"))))
        with pytest.raises(Refused, match="lacks steps that are already done: make"):
            again(request, "block", onto=(2, with_inside(line, "block", "made", "enter")))
        again(request, "block", onto=(2, with_inside(line, "block", "make", "enter_it")))
        assert request.statuses(("enter", "enter_it")) == {"enter": "cancelled", "enter_it": "pending"}
        request.claim("block")
        request.run_inner("block", "make", "enter_it")
        assert request.succeed("block", attempt=2) and request.status == "completed"

    def test_a_block_goes_on_as_the_version_has_it_that_it_began_with(self) -> None:
        lines = ["fork > a", "fork > block", "a > end", "block > end"]
        workflow = with_inside(graph(*lines, kinds={"fork": "branch", "block": "sync"}), "block", "one", "two")
        request = MemoryRequest(workflow)
        request.succeed("fork")
        request.fail("a", call=CallEffect.NOT_SENT)
        request.claim("block")
        request.run_inner("block", "one")
        again(request, "a", onto=(2, workflow))
        request.run_inner("block", "two")
        assert {a.node: a.workflow_version for a in request.attempts if a.node in ("one", "two")} == {
            "one": 1,
            "two": 1,
        }

    def test_a_wait_that_becomes_another_kind_of_step_is_no_wait_any_more(self) -> None:
        lines = ["fork > a", "fork > pause", "a > end", "pause > end"]
        kinds = {"fork": "branch", "pause": "delay"}
        request = MemoryRequest(graph(*lines, kinds=kinds))
        request.succeed("fork")
        request.fail("a", call=CallEffect.NOT_SENT)
        request.wait("pause")
        again(request, "a", onto=(2, graph(*lines, kinds={**kinds, "pause": "action"})))
        request.run("pause", "a")
        assert request.status == "completed"

    def test_a_waiting_callback_may_be_re_triggered_as_another_kind_of_step(self) -> None:
        request = MemoryRequest(graph("call > end", kinds={"call": "callback"}))
        request.wait("call")
        again(request, "call", onto=(2, graph("call > end")))
        request.run("call")
        assert request.status == "completed"


class TestWhatAnotherVersionMayNotForget:
    """The branch goes two ways: a step that blocks, and a decision with a step behind it that blocks as well."""

    OLD = graph(
        "split > a", "split > route", "route -x> x", "route -y> y", "a > end", "x > end", "y > end",
        kinds={"split": "branch", "route": "decision"},
    )  # fmt: skip
    RENAMED = graph(
        "split > a", "split > route", "route -z> z", "route -y> y", "a > end", "z > end", "y > end",
        kinds={"split": "branch", "route": "decision"},
    )  # fmt: skip

    def blocked(self) -> MemoryRequest:
        request = MemoryRequest(self.OLD)
        request.succeed("split")
        request.fail("a", call=CallEffect.REJECTED)
        request.succeed("route", "x")
        request.fail("x", call=CallEffect.REJECTED)
        return request

    @pytest.mark.parametrize("with_flow", [True, False])
    def test_a_blocked_side_step_that_it_lacks(self, with_flow: bool) -> None:
        request = self.blocked()
        act_ = partial(options.retrigger, act=act(), node="a", flow=with_flow, onto=(2, self.RENAMED))
        with pytest.raises(Refused, match=r"lacks steps that are blocked or under way.*: x"):
            request.do(act_)
        assert request.steps["x"].status == "blocked"

    def test_a_path_that_was_taken_and_that_it_lacks(self) -> None:
        request = self.blocked()
        elsewhere = graph(
            "split > a", "split > route", "route -y> y", "a > x", "x > end", "y > end",
            kinds={"split": "branch", "route": "decision"},
        )  # fmt: skip
        with pytest.raises(Refused, match="lacks the path that was taken from: route"):
            again(request, "a", onto=(2, elsewhere))

    def test_the_step_itself(self) -> None:
        with pytest.raises(Refused, match="Version 2 has no step x"):
            again(self.blocked(), "x", onto=(2, self.RENAMED))


class TestWhatAnotherVersionBrings:
    """``a`` is blocked in a branch beside what is done; the version gives that another step behind it."""

    OLD = graph("split > a", "split > b", "a > end", "b > end", kinds={"split": "branch"})
    NEW = graph("split > a", "split > b", "a > end", "b > more", "more > end", kinds={"split": "branch"})

    def blocked(self) -> MemoryRequest:
        request = MemoryRequest(self.OLD)
        request.run("split", "b")
        request.fail("a", call=CallEffect.REJECTED)
        return request

    def test_step_and_flow_starts_it(self) -> None:
        request = self.blocked()
        again(request, "a", (2, self.NEW))
        assert sorted(request.due) == ["a", "more"]
        request.run("a", "more")
        assert request.status == "completed"

    def test_continue_flow_starts_it_with_what_is_held(self) -> None:
        request = self.blocked()
        again(request, "a", (2, self.NEW), flow=False)
        request.succeed("a")
        request.do(lambda d: options.continue_flow(d, act()))
        assert (request.status, request.due) == ("in_progress", ["more"])

    def test_a_later_step_and_flow_without_a_version_starts_it(self) -> None:
        request = self.blocked()
        again(request, "a", (2, self.NEW), flow=False)
        request.fail("a", call=CallEffect.REJECTED)
        again(request, "a")
        assert sorted(request.due) == ["a", "more"]

    def test_the_end_behind_a_ticked_step_does_not_stand_before_it_has_run(self) -> None:
        request = self.blocked()
        again(request, "a", (2, self.NEW), flow=False, update_status=True)
        request.succeed("a")
        assert (request.status, request.request.reason) == ("blocked", "remaining steps not started")
        request.do(lambda d: options.continue_flow(d, act()))
        request.succeed("more")
        assert request.status == "completed"

    def test_a_way_to_what_was_not_taken(self) -> None:
        lines = ["split > a", "split > route", "route -x> x", "route -y> y", "a > end", "y > last", "last > end"]
        kinds = {"split": "branch", "route": "decision"}
        request = MemoryRequest(graph(*lines, "x > end", kinds=kinds))
        request.succeed("split")
        request.fail("a", call=CallEffect.REJECTED)
        request.succeed("route", "x")
        request.succeed("x")
        again(request, "a", (2, graph(*lines, "x > y", kinds=kinds)))
        assert sorted(request.due) == ["a", "y"]
        request.run("a", "y", "last")
        assert request.status == "completed"


def deciding(*lines: str) -> Graph:
    """Two branches: a step, and a decision behind another."""
    both = ("split > a", "split > b", "b > route", "route -y> y", "a > end", "y > end")
    return graph(*both, *lines, kinds={"split": "branch", "route": "decision"})


class TestADecision:
    OLD = deciding("route -x> x", "x > end")
    BEHIND = deciding("a -failure> route", "route -x> x", "x > end")
    RENAMED = deciding("route -z> z", "z > end")

    def test_that_is_behind_the_step_no_more_must_have_its_path(self) -> None:
        """The old version led from ``a`` to the decision, so it would have been decided anew; the new one does not."""
        request = MemoryRequest(self.BEHIND)
        request.run("split", "b")
        request.fail("a", call=CallEffect.REJECTED)
        request.succeed("route", "x")
        request.fail("x", call=CallEffect.REJECTED)
        with pytest.raises(Refused, match="lacks the path that was taken from: route"):
            again(request, "a", (2, self.RENAMED))

    def test_that_runs_meanwhile_and_chooses_what_the_version_lacks_asks_a_person(self) -> None:
        request = MemoryRequest(self.OLD)
        request.run("split", "b")
        request.fail("a", call=CallEffect.REJECTED)
        number = request.claim("route")
        again(request, "a", (2, self.RENAMED))
        request.do(lambda d: finish(d, Finished("route", number, Success("{}", "x"))))
        assert request.steps["route"].error == (
            "route chose x, a path that version 2 does not have. Re-trigger it: then version 2 decides."
        )
        request.succeed("a")
        again(request, "route")
        request.succeed("route", "z")
        request.succeed("z")
        assert request.status == "completed"
