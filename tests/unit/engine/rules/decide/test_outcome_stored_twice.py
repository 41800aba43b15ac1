"""The answer to the commit that stored an outcome was lost, so it is handed over again: it is no late result."""

from __future__ import annotations

from functools import partial

import pytest

from engine import events
from engine.rules.decide.finish import Finished, finish
from engine.rules.decide.lost import recover
from engine.rules.decide.send import send
from engine.rules.outcomes import Failure, Success, Waits
from engine.states import CallEffect
from tests.support.memory import MemoryRequest, graph

OUTCOMES = {
    "success": Finished("a", 1, Success("{}", call=CallEffect.ACCEPTED)),
    "failure": Finished("a", 1, Failure("503", CallEffect.UNKNOWN)),
    "retry": Finished("a", 1, Failure("503", CallEffect.UNKNOWN, retryable=True), retry_in=5.0),
}


@pytest.mark.parametrize("path", ["", "a -failure> end"])
@pytest.mark.parametrize("done", OUTCOMES.values(), ids=OUTCOMES)
def test_an_outcome_that_is_stored_already_changes_nothing_and_is_not_late(done: Finished, path: str) -> None:
    request = MemoryRequest(graph("a > b", "b > end", *filter(None, [path])))
    request.claim("a")
    assert request.do(lambda draft: finish(draft, done))
    steps, told = dict(request.steps), list(request.events)
    assert request.do(lambda draft: finish(draft, done))
    assert request.steps == steps and request.events == told


def test_an_error_is_known_again_as_a_database_gives_it_back() -> None:
    request = MemoryRequest(graph("a > end"))
    request.claim("a")
    done = Finished("a", 1, Failure("it said \0"))
    assert request.do(lambda draft: finish(draft, done))
    request.steps["a"] = request.steps["a"]._replace(error="it said \ufffd")
    assert request.do(lambda draft: finish(draft, done))
    assert events.LATE not in [event.kind for event in request.events]


def test_a_key_that_is_stored_already_changes_nothing() -> None:
    request = MemoryRequest(graph("a > end"))
    number = request.claim("a")
    for _ in range(2):
        request.do(lambda draft: send(draft, "a", number, "key-1"))
    assert (request.steps["a"].version, request.steps["a"].sent_key) == (3, "key-1")


def test_a_result_that_comes_after_the_recovery_is_late_however_it_ends() -> None:
    for done in OUTCOMES.values():
        request = MemoryRequest(graph("a > end"))
        request.claim("a")
        assert request.do(lambda draft: recover(draft, "a", 1, 0.0))
        assert not request.do(partial(finish, done=done))
        assert request.events[-1].kind == events.LATE


def test_a_result_that_comes_after_the_last_recovery_is_late() -> None:
    request = MemoryRequest(graph("a > end"))
    for number in range(1, 7):
        request.claim("a")
        assert request.do(partial(recover, node="a", attempt=number, jitter=0.0))
    assert request.status == "blocked"
    assert not request.do(lambda draft: finish(draft, Finished("a", 6, Failure("503", CallEffect.UNKNOWN))))
    assert not request.do(lambda draft: finish(draft, Finished("a", 6, Success("{}"))))
    assert request.statuses()["a"] == "blocked"


def test_the_same_error_as_before_does_not_make_a_late_result_look_stored() -> None:
    request = MemoryRequest(graph("a > end"))
    request.fail("a", retry_in=1.0)
    request.claim("a")
    assert request.do(lambda draft: recover(draft, "a", 2, 0.0))
    for retry_in in (None, 1.0):
        done = Finished("a", 2, Failure("503", CallEffect.UNKNOWN, retryable=True), retry_in=retry_in)
        assert not request.do(partial(finish, done=done))


@pytest.mark.parametrize("until", [2000.0, 0.0])
def test_a_wait_that_is_stored_already_is_not_begun_again_though_it_was_over_at_once(until: float) -> None:
    request = MemoryRequest(graph("a > end", kinds={"a": "delay"}))
    done = Finished("a", request.claim("a"), Waits(until=until))
    assert request.do(partial(finish, done=done))
    steps, told = dict(request.steps), list(request.events)
    assert steps["a"].status.value == ("waiting" if until else "completed")
    assert request.do(partial(finish, done=done))
    assert request.steps == steps and request.events == told


@pytest.mark.parametrize(
    ("kind", "outcome", "retry_in"),
    [("delay", Waits(60.0), None), ("action", Failure("503", CallEffect.UNKNOWN, retryable=True), 5.0)],
)
def test_what_a_dead_worker_still_waits_for_is_not_taken_for_the_wait_before_the_next_try(
    kind: str, outcome: Waits | Failure, retry_in: float | None
) -> None:
    request = MemoryRequest(graph("a > end", kinds={"a": kind}))
    for _ in range(2):
        number = request.claim("a")
        request.do(partial(recover, node="a", attempt=number, jitter=0.0))
    assert request.steps["a"].status.value == "waiting"
    assert request.do(partial(finish, done=Finished("a", number, outcome, retry_in=retry_in))) is False


@pytest.mark.parametrize(
    ("outcome", "retry_in"), [(Success("{}"), None), (Failure("503", CallEffect.UNKNOWN, retryable=True), 5.0)]
)
def test_of_a_step_inside_a_block_too(outcome: Success | Failure, retry_in: float | None) -> None:
    request = MemoryRequest(graph("block > end", inner={"block": ("one", "two")}))
    request.claim("block")
    request.begin_inner("block", "one")
    request.end_inner("block", "one", outcome, retry_in)
    steps, told = dict(request.steps), list(request.events)
    request.end_inner("block", "one", outcome, retry_in)
    assert request.steps == steps and request.events == told
