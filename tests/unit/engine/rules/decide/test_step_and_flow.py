"""Re-trigger step and flow (SPEC 4)."""

from __future__ import annotations

from functools import partial

from engine.rules.decide import options
from engine.rules.decide.lost import recover
from engine.rules.draft import Draft
from tests.support.memory import MemoryRequest, act
from tests.unit.engine.rules.decide.samples import FORK, LINE, TOLD, blocked_at, with_flow


def test_goes_in_progress_at_once_and_runs_to_the_end() -> None:
    request = blocked_at(LINE, "a", at="b")
    since = request.request.blocked_at
    assert since == request.now
    with_flow(request, "b")
    assert request.status == "in_progress" and request.request.blocked_at is None
    request.run("b", "c")
    assert request.status == "completed"
    assert [a.kind.value for a in request.attempts if a.node == "b"] == ["initial", "retrigger"]


def test_blocked_again_is_told_to_the_person_with_the_error_before() -> None:
    request = blocked_at(LINE, "a", at="b")
    with_flow(request, "b")
    request.fail("b", "timed out")
    assert request.status == "blocked"
    told = [n for n in request.notices if n.kind == "tell"]
    assert [n.actor for n in told] == ["slack:T1/U1"]
    assert told[0].event is not None and told[0].event.data is not None
    assert (told[0].event.data["before"], told[0].event.data["error"]) == ("503", "timed out")


def test_a_new_budget_of_retries_and_recoveries() -> None:
    request = MemoryRequest(LINE)
    request.fail("a", retry_in=1.0)
    assert (request.steps["a"].status.value, request.steps["a"].error) == ("waiting", "503")
    number = request.claim("a")
    request.do(lambda d: recover(d, "a", number, jitter=0.0))
    request.fail("a")
    assert (request.steps["a"].retries, request.steps["a"].recoveries) == (1, 1)
    with_flow(request, "a")
    assert (request.steps["a"].retries, request.steps["a"].recoveries) == (0, 0)


def test_recoveries_used_up_block_although_there_is_a_failure_path_and_a_person_opens_five_more() -> None:
    request = MemoryRequest(TOLD)
    for deaths in (6, 5):
        for _ in range(deaths):
            number = request.claim("a")
            request.do(partial(recover, node="a", attempt=number, jitter=0.0))
        assert request.statuses(("b", "mail")) == {"b": "pending", "mail": "pending"}
        if deaths == 6:
            assert (request.status, request.steps["a"].status.value) == ("blocked", "blocked")
            with_flow(request, "a")
    assert request.status == "in_progress"
    request.run("a", "b")
    assert request.status == "completed"


def test_what_ran_behind_a_failed_step_is_taken_back() -> None:
    request = MemoryRequest(TOLD)
    request.fail("a")
    request.run("mail")
    assert request.status == "failed"
    with_flow(request, "a")
    assert request.status == "in_progress"
    request.run("a", "b")
    assert request.status == "completed"
    assert request.statuses(("mail", "failed_end")) == {"mail": "cancelled", "failed_end": "cancelled"}


def test_the_result_of_what_is_taken_back_is_gone() -> None:
    """Nothing behind it may read what no longer holds."""
    request = MemoryRequest(TOLD)
    request.fail("a")
    request.run("mail")

    def retrigger(draft: Draft) -> dict[str, str | None]:
        options.retrigger(draft, act(), "a", flow=True)
        return draft.results

    assert request.do(retrigger) == {"mail": None, "failed_end": None}


def test_a_later_visit_is_initial_by_the_person_who_caused_it() -> None:
    request = MemoryRequest(TOLD)
    request.fail("a")
    request.run("mail")
    with_flow(request, "a")
    request.fail("a")
    request.run("mail")
    second = [a for a in request.attempts if a.node == "mail"][-1]
    assert second.trigger is not None
    assert (second.kind.value, second.visit, second.trigger.by) == ("initial", 2, "Hanna Lead")
    assert request.status == "failed"


def test_a_step_that_was_tried_again_before_begins_its_later_visit_as_initial() -> None:
    request = MemoryRequest(TOLD)
    request.fail("a")
    request.fail("mail", retry_in=1.0)
    request.run("mail")
    with_flow(request, "a")
    request.fail("a")
    request.run("mail")
    assert [a.kind.value for a in request.attempts if a.node == "mail"] == ["initial", "retry", "initial"]


def test_side_branches_are_left_alone_and_the_merge_counts_them() -> None:
    request = MemoryRequest(FORK)
    request.run("a", "right")
    request.fail("left")
    with_flow(request, "left")
    request.run("left", "last")
    assert request.status == "completed"
    assert len([a for a in request.attempts if a.node == "right"]) == 1
