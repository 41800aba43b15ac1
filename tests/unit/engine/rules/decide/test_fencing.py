"""The attempt number fences off whoever lost the step: while another attempt runs or waits, nothing that an older one
writes changes the state (SPEC 3.4, 9)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from engine import events
from engine.errors import CallbackRefused, Conflict, LeaseLost
from engine.rules.decide.block import begin_inner, end_inner
from engine.rules.decide.finish import Finished, finish
from engine.rules.decide.lost import give_back, recover
from engine.rules.decide.send import send
from engine.rules.decide.waits import answer, time_is_up
from engine.rules.draft import Draft
from engine.rules.outcomes import Failure, Success, Waits
from engine.states import AttemptOutcome, StepStatus
from tests.support.memory import MemoryRequest, act, graph
from tests.unit.engine.rules.decide.samples import LINE, with_flow

BLOCK = graph("block > end", inner={"block": ("one", "two")})


def taken_over(workflow: MemoryRequest, node: str) -> int:
    """Somebody claimed the step and died; another has it now. Returns the number of the first attempt."""
    first = workflow.claim(node)
    assert workflow.do(lambda d: recover(d, node, first, 0.0))
    assert workflow.claim(node) == first + 1
    return first


@pytest.mark.parametrize("outcome", [Success("{}"), Failure("503"), Failure("503", retryable=True)])
def test_what_an_older_attempt_came_to_is_late_while_the_next_one_runs(outcome: Success | Failure) -> None:
    request = MemoryRequest(LINE)
    first = taken_over(request, "a")
    running = request.steps["a"]
    done = Finished("a", first, outcome, retry_in=1.0 if isinstance(outcome, Failure) else None)
    assert request.do(lambda d: finish(d, done)) is False
    assert request.steps["a"] == running
    assert request.events[-1].kind == events.LATE and ("a", first) in request.late
    assert request.succeed("a", attempt=first + 1)


def test_an_older_attempt_that_wants_to_wait_leaves_nothing() -> None:
    request = MemoryRequest(graph("a > end", kinds={"a": "delay"}))
    first = taken_over(request, "a")
    running, told = request.steps["a"], len(request.events)
    assert request.do(lambda d: finish(d, Finished("a", first, Waits(60.0)))) is False
    assert (request.steps["a"], len(request.events)) == (running, told)


@pytest.mark.parametrize("lose", [lambda d, number: recover(d, "a", number, 0.0), lambda d, n: give_back(d, "a", n)])
def test_the_end_of_an_older_worker_takes_nothing_from_the_next(lose: Callable[[Draft, int], bool]) -> None:
    request = MemoryRequest(LINE)
    first = taken_over(request, "a")
    running = request.steps["a"]
    assert request.do(lambda d: lose(d, first)) is False
    assert request.steps["a"] == running and running.recoveries == 1


def test_an_older_attempt_may_not_call() -> None:
    request = MemoryRequest(LINE)
    first = taken_over(request, "a")
    with pytest.raises(LeaseLost):
        request.do(lambda d: send(d, "a", first, "key-1"))
    assert request.steps["a"].sent_key is None


def test_a_clean_stop_counts_no_recovery() -> None:
    request = MemoryRequest(LINE)
    for _ in range(7):
        number = request.claim("a")
        assert request.do(partial(give_back, node="a", attempt=number))
    assert (request.steps["a"].status, request.steps["a"].recoveries) == (StepStatus.READY, 0)


def test_deaths_of_workers_are_counted_apart_from_retries() -> None:
    """A retry between two of them opens no new budget."""
    request = MemoryRequest(LINE)
    for _ in range(2):
        number = request.claim("a")
        request.do(partial(recover, node="a", attempt=number, jitter=0.0))
        request.fail("a", retry_in=1.0)
    assert (request.steps["a"].retries, request.steps["a"].recoveries) == (2, 2)


class TestBlock:
    def test_a_clean_stop_closes_what_ran_inside_and_counts_nothing(self) -> None:
        request = MemoryRequest(BLOCK)
        number = request.claim("block")
        inner = request.begin_inner("block", "one")
        assert request.do(partial(give_back, node="block", attempt=number))
        assert request.statuses(("block", "one")) == {"block": "ready", "one": "pending"}
        assert request.ends["one", inner].outcome is AttemptOutcome.RETURNED
        assert request.steps["block"].recoveries == 0

    def test_an_older_worker_of_a_block_begins_and_ends_nothing_inside(self) -> None:
        request = MemoryRequest(BLOCK)
        first = taken_over(request, "block")
        older = next(attempt for attempt in request.attempts if attempt.number == first)
        with pytest.raises(LeaseLost):
            request.do(lambda d: begin_inner(d, older, "one"))
        number = request.begin_inner("block", "one")
        done = Finished("one", number, Success("{}"))
        with pytest.raises(LeaseLost):
            request.do(lambda d: end_inner(d, "block", first, done, Success("{}")))
        assert request.steps["one"].status is StepStatus.RUNNING

    def test_an_older_attempt_inside_a_block_ends_nothing(self) -> None:
        request = MemoryRequest(BLOCK)
        first = request.claim("block")
        inner = request.begin_inner("block", "one")
        assert request.do(lambda d: recover(d, "block", first, 0.0))
        second = request.claim("block")
        assert request.begin_inner("block", "one") == inner + 1
        done = Finished("one", inner, Failure("503"))
        with pytest.raises(LeaseLost):
            request.do(lambda d: end_inner(d, "block", second, done, Failure("503")))
        assert request.steps["one"].status is StepStatus.RUNNING


class TestWait:
    def test_a_wait_is_not_over_before_its_time(self) -> None:
        request = MemoryRequest(graph("a > end", kinds={"a": "delay"}))
        number = request.wait("a", Waits(60.0))
        assert request.do(lambda d: time_is_up(d, "a", number)) is False
        assert request.steps["a"].status is StepStatus.WAITING
        assert request.pass_time("a") and request.status == "completed"

    def test_the_time_of_a_wait_that_was_issued_anew_ends_nothing(self) -> None:
        request = MemoryRequest(graph("a -approved> end", kinds={"a": "approval"}))
        first = request.ask("a", "hanna@example.com", seconds=60.0)
        with_flow(request, "a")
        assert request.ask("a", "hanna@example.com", seconds=60.0) == first + 1
        request.now += 120.0
        assert request.do(lambda d: time_is_up(d, "a", first)) is False
        assert request.steps["a"].status is StepStatus.WAITING

    def test_the_address_of_an_earlier_visit_is_void(self) -> None:
        way = graph("a > end", "a -failure> wait", "wait > no", kinds={"wait": "callback"}, ends={"no": "failed"})
        request = MemoryRequest(way)
        request.fail("a")
        request.wait("wait")
        with_flow(request, "a")
        assert (request.steps["wait"].visit, request.steps["wait"].key_salt) == (2, 1)
        for _ in ("early", "in time"):
            with pytest.raises(CallbackRefused, match="another address"):
                request.call_back("wait", 0)
            if request.due == ["a"]:
                request.fail("a")
                request.wait("wait")
        request.call_back("wait", 1)
        assert request.status == "failed"

    def test_an_answer_to_an_approval_that_was_issued_anew_says_so(self) -> None:
        request = MemoryRequest(graph("a -approved> end", kinds={"a": "approval"}))
        first = request.ask("a", "hanna@example.com")
        with_flow(request, "a")
        request.ask("a", "hanna@example.com")
        hanna = frozenset({"hanna@example.com"})
        with pytest.raises(Conflict, match="Hanna Lead re-triggered step and flow"):
            request.do(lambda d: answer(d, act(), "a", True, hanna, first))
        request.do(lambda d: answer(d, act(), "a", True, hanna, first + 1))
        assert request.status == "completed"
