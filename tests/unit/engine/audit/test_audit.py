"""The audit finds nothing in what the rules have done, and every change that was made behind their back (SPEC 1)."""

from __future__ import annotations

import random
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audit.audit import audit
from engine.audit.invariants import contradictions
from engine.records import Event
from engine.rules.decide import options
from engine.rules.draft import Draft
from engine.states import AttemptKind, RequestStatus, StepStatus
from engine.stored import History
from tests.support.histories import live
from tests.support.memory import MemoryRequest, act, graph
from tests.support.planting import PLANTS

LINE = graph("a > b", "b > end")


def sentences(request: MemoryRequest, history: History | None = None) -> list[str]:
    return [it.sentence for it in audit(history or request.history(), request.versions.__getitem__)]


@settings(max_examples=200)
@given(st.integers(0, 2**32), st.integers(1, 9))
def test_nothing_is_found_in_what_the_rules_have_done(number: int, size: int) -> None:
    assert sentences(live(random.Random(number), size)) == []


@pytest.mark.parametrize("name", PLANTS)
def test_every_change_behind_the_rules_back_is_found(name: str) -> None:
    tried = 0
    for number in range(15):
        seed = random.Random(number)
        request = live(seed, seed.randint(1, 9))
        history = request.history()
        planted = PLANTS[name](history, seed)
        if planted is not None and planted != history:
            tried += 1
            assert sentences(request, planted), number
    assert tried > 5


def test_a_difference_names_request_step_what_is_stored_and_what_the_history_says() -> None:
    request = MemoryRequest(LINE)
    request.run("a")
    request.steps["b"] = request.steps["b"]._replace(status=StepStatus.COMPLETED, outlet="success")
    (status, outlet) = audit(request.history(), request.versions.__getitem__)
    assert (status.request_id, status.node, status.stored, status.history) == (
        1, "b", "status completed", "status ready"
    )  # fmt: skip
    assert outlet.sentence == "REQ-1, step b, has outlet success; by its history: no outlet."


def test_where_somebody_acted_is_in_the_history() -> None:
    request = MemoryRequest(LINE)
    request.fail("a")
    request.do(partial(options.retrigger, act=act(away=True, reason="x", confirmed=True), node="a", flow=True))
    assert request.steps["a"].trigger is not None and request.steps["a"].trigger.away
    request.run("a", "b")
    assert sentences(request) == []


def test_a_lost_wake_up_is_found_before_the_sweep_finds_it() -> None:
    request = MemoryRequest(LINE)
    request.run("a")
    request.steps["b"] = request.steps["b"]._replace(status=StepStatus.PENDING, due_at=None)
    assert sentences(request)[0] == "REQ-1, step b, has status pending; by its history: status ready."


def test_a_ready_step_that_nobody_will_ever_take_is_found_but_not_when_another_became_due() -> None:
    request = MemoryRequest(LINE)
    request.run("a")
    request.steps["b"] = request.steps["b"]._replace(due_at=request.now - 3600.0)  # the clock was set back since
    assert sentences(request) == []
    request.steps["b"] = request.steps["b"]._replace(due_at=None)
    (sentence,) = sentences(request)
    assert sentence.startswith("REQ-1, step b, has no due at; by its history: due at ")


def test_a_change_that_left_no_event_is_found_by_the_count_of_changes() -> None:
    request = MemoryRequest(LINE)

    def meddle(draft: Draft) -> None:
        draft.change_step("a", due_at=draft.now - 500)

    request.do(meddle)
    request.run("a")
    assert sentences(request) == ["REQ-1, step a, has version 4; by its history: version 3."]


def test_an_event_that_nothing_led_to_is_found_and_what_follows_is_not_rebuilt() -> None:
    request = MemoryRequest(LINE)
    request.run("a")
    history = request.history()
    strange = Event(1, "step_failed", request.now + 1, "b", 1, data={"error": "x"})
    found = sentences(request, history._replace(events=(*history.events, strange)))
    assert found == ["REQ-1, step b, has no attempt 1; by its history: something came of it."]


def test_rows_that_no_rule_was_made_for_do_not_end_the_audit() -> None:
    request = MemoryRequest(LINE)
    request.run("a")
    history = request.history()
    strange = history.events[1]._replace(data={"call": "no such effect"})
    found = sentences(request, history._replace(events=(history.events[0], strange, *history.events[2:])))
    assert found == ["REQ-1 has a history that cannot be replayed; by its history: it meets ValueError."]


def test_texts_that_a_database_cannot_hold_are_no_difference() -> None:
    request = MemoryRequest(LINE)
    request.fail("a", "a NUL \0 and half a pair \ud800")
    stored = "a NUL \ufffd and half a pair ?"
    request.steps["a"] = request.steps["a"]._replace(error=stored)
    request.ends["a", 1] = request.ends["a", 1]._replace(error=stored)
    request.request = request.request._replace(reason=f"a: {stored}")
    assert sentences(request) == []


class TestWithoutTheRules:
    """What the questions that use no rule find by themselves, so that a rule that is wrong is found, too."""

    def found(self, history: History) -> list[str]:
        return [it.sentence for it in contradictions(history)]

    def test_a_final_request_in_which_a_step_can_move(self) -> None:
        request = MemoryRequest(LINE)
        request.run("a")
        done = request.request._replace(status=RequestStatus.COMPLETED)
        found = self.found(request.history()._replace(request=done))
        assert "REQ-1, step b, has status ready; by its history: the request is completed, which is final." in found

    def test_a_call_under_another_key_that_nobody_confirmed(self) -> None:
        request = MemoryRequest(LINE)
        request.fail("a", retry_in=1.0)
        request.fail("a")
        request.keys = {("a", 1): "req-1-a-1-x", ("a", 2): "req-1-a-1-y"}
        (sentence,) = self.found(request.history())
        assert sentence.startswith(
            "REQ-1, step a, has a call under another key at attempt 2; by its history: the call "
        )

    def test_a_death_that_was_counted_twice(self) -> None:
        request = live(random.Random(0), 3)
        step = next(iter(request.steps.values()))
        twice = step._replace(next_kind=AttemptKind.RECOVERY, recoveries=step.recoveries + 1)
        history = request.history()
        found = self.found(history._replace(steps=(twice, *history.steps[1:])))
        assert any("recoveries" in sentence for sentence in found)

    def test_an_act_without_its_attempt(self) -> None:
        request = MemoryRequest(LINE)
        history = request.history()
        act = Event(1, "input_provided", request.now, "a", 1, by="Hanna Lead")
        found = self.found(history._replace(events=(*history.events, act)))
        assert found == ["REQ-1, step a, has no input by hand as attempt 1; by its history: Hanna Lead provided one."]
