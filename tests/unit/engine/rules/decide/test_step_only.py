"""Re-trigger of a step alone, with and without the tick box: what is held, stale and recalculated (SPEC 4)."""

from __future__ import annotations

from functools import partial

import pytest

from engine.errors import Conflict
from engine.rules.allowed import Action
from engine.rules.decide import options
from engine.rules.decide.finish import Finished, finish
from engine.rules.decide.lost import recover
from engine.rules.outcomes import Failure
from tests.support.memory import MemoryRequest, act, graph
from tests.unit.engine.rules.decide.samples import FORK, LINE, TOLD, blocked_at, step_only, with_flow


@pytest.mark.parametrize("ticked", [False, True])
def test_fails_again_and_the_request_is_untouched(ticked: bool) -> None:
    request = blocked_at(LINE, "a", at="b")
    before = request.request
    step_only(request, "b", ticked)
    request.fail("b")
    assert request.request._replace(version=before.version, updated_at=before.updated_at) == before
    assert request.statuses(("b", "c")) == {"b": "blocked", "c": "pending"}


def test_unticked_success_is_held_and_leaves_the_status() -> None:
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


def test_unticked_success_leaves_no_reason_that_is_mended() -> None:
    request = blocked_at(LINE, "a", at="b")
    since, error = request.request.blocked_at, request.request.reason
    step_only(request, "b")
    assert request.request.reason == error  # while it runs, that is what is known
    request.succeed("b")
    assert (request.status, request.request.reason) == ("blocked", "remaining steps not started")
    assert request.request.blocked_at == since


@pytest.mark.parametrize(("fails", "reason"), [(True, "right: out of paper"), (False, "remaining steps not started")])
def test_unticked_success_beside_another_branch_says_what_blocks_now(fails: bool, reason: str) -> None:
    request = blocked_at(FORK, "a", at="left")
    step_only(request, "left")
    if fails:
        request.fail("right", "out of paper")
    request.succeed("left")
    assert (request.status, request.request.reason) == ("blocked", reason)


def test_ticked_success_is_recalculated() -> None:
    request = blocked_at(LINE, "a", at="b")
    step_only(request, "b", ticked=True)
    request.succeed("b")
    assert (request.status, request.request.reason) == ("blocked", "remaining steps not started")


def test_ticked_success_directly_before_an_end_completes() -> None:
    request = blocked_at(LINE, "a", "b", at="c")
    step_only(request, "c", ticked=True)
    request.succeed("c")
    assert request.status == "completed"
    assert request.statuses(("end",)) == {"end": "completed"} and not request.steps["c"].held


def test_ticked_success_before_an_end_is_held_where_another_node_waits_to_hear_which_path_it_took() -> None:
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


def test_ticked_success_before_an_end_does_not_hide_another_end_that_waited_for_it() -> None:
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


def test_ticked_success_does_not_complete_what_still_runs_on_the_path_of_before() -> None:
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


def test_ticked_success_is_not_the_end_because_another_branch_has_come_to_one() -> None:
    forked = graph(
        "fork > a", "fork > b", "a > one", "b > c", "c > end", kinds={"fork": "branch"}, ends={"one": "failed"}
    )
    request = MemoryRequest(forked)
    request.run("fork", "a")
    request.fail("b")
    step_only(request, "b", ticked=True)
    request.succeed("b")
    assert (request.status, request.request.reason) == ("blocked", "remaining steps not started")
    request.do(lambda d: options.continue_flow(d, act()))
    request.run("c")
    assert request.status == "failed"


def test_unticked_success_directly_before_an_end_waits_for_continue() -> None:
    request = blocked_at(LINE, "a", "b", at="c")
    step_only(request, "c")
    request.succeed("c")
    assert request.status == "blocked"
    request.do(lambda d: options.continue_flow(d, act()))
    assert request.status == "completed"


def test_steps_behind_that_ran_are_stale_and_do_not_count() -> None:
    request = MemoryRequest(TOLD)
    request.fail("a")
    request.run("mail")
    step_only(request, "a", ticked=True)
    assert request.status == "failed"
    request.succeed("a")
    assert [node for node, step in request.steps.items() if step.stale] == ["mail", "failed_end"]  # "b" never ran
    assert (request.status, request.request.reason) == ("blocked", "remaining steps not started")
    request.do(lambda d: options.continue_flow(d, act()))
    request.run("b")
    assert request.status == "completed"


@pytest.mark.parametrize("tells", [True, False])
def test_ticked_success_before_an_end_counts_neither_the_end_nor_the_block_of_the_path_of_before(tells: bool) -> None:
    """Failed beats completed, but the failed end is stale; so is the step that is blocked before it."""
    request = MemoryRequest(graph("a > end", "a -failure> mail", "mail > no", ends={"no": "failed"}))
    request.fail("a")
    if tells:
        request.run("mail")
    else:
        request.fail("mail")
    assert request.status == ("failed" if tells else "blocked")
    step_only(request, "a", ticked=True)
    request.succeed("a")
    assert (request.status, request.steps["mail"].stale) == ("completed", True)


def test_a_failed_step_that_fails_again_alone_is_failed_as_before() -> None:
    request = MemoryRequest(TOLD)
    request.fail("a")
    request.run("mail")
    step_only(request, "a")
    request.fail("a", "again")
    assert (request.status, request.steps["a"].status.value) == ("failed", "failed")


@pytest.mark.parametrize("ticked", [False, True])
def test_a_step_whose_workers_die_fails_again_too_and_the_request_is_untouched(ticked: bool) -> None:
    request = MemoryRequest(TOLD)
    request.fail("a")
    request.run("mail")
    step_only(request, "a", ticked)
    for _ in range(6):
        number = request.claim("a")
        request.do(partial(recover, node="a", attempt=number, jitter=0.0))
    assert (request.status, request.steps["a"].status.value, request.steps["a"].only) == ("failed", "failed", False)
    assert request.steps["a"].worker is None


def test_no_merge_counts_a_held_step() -> None:
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


def test_flow_anywhere_releases_what_is_held() -> None:
    request = MemoryRequest(FORK)
    request.run("a")
    request.fail("left")
    request.fail("right")
    step_only(request, "left")
    request.succeed("left")
    with_flow(request, "right")
    request.run("right", "last")
    assert request.status == "completed"


@pytest.mark.parametrize("ticked", [False, True])
@pytest.mark.parametrize("other", ["blocked", "held"])
def test_whoever_saw_the_request_before_a_step_succeeded_alone_has_seen_another(other: str, ticked: bool) -> None:
    """Its status and reason are as they were: but Continue flow runs what nobody has seen then."""
    kinds, lines = {"fork": "branch", "join": "merge"}, ["fork > left", "fork > right", "left > join", "right > join"]
    request = MemoryRequest(graph(*lines, "right -failure> note", "note > join", "join > end", kinds=kinds))
    request.run("fork")
    request.fail("right")
    request.run("note")
    request.fail("left")
    if other == "held":
        step_only(request, "left")
        request.succeed("left")
    seen = request.request
    step_only(request, "right", ticked)
    assert request.request == seen
    request.succeed("right")
    assert (request.status, request.request.reason) == (seen.status, seen.reason)
    with pytest.raises(Conflict, match="Hanna Lead re-triggered at"):
        request.do(lambda d: options.continue_flow(d, act(expect_version=seen.version)))
    request.do(lambda d: options.continue_flow(d, act(expect_version=request.request.version)))


def test_a_step_that_fails_again_alone_leaves_the_request_as_it_was_seen() -> None:
    request = blocked_at(LINE, "a", at="b")
    seen = request.request.version
    step_only(request, "b")
    request.fail("b")
    request.do(lambda d: options.withdraw(d, act(expect_version=seen, reason="not wanted")))
    assert request.status == "withdrawn"
