"""No second effect without a confirmation and a reason (SPEC 4)."""

from __future__ import annotations

from functools import partial

import pytest

from engine.errors import ConfirmationNeeded, Refused
from engine.rules.allowed import Action
from engine.rules.decide import options
from engine.rules.decide.finish import Finished, finish
from engine.rules.decide.lost import give_back, recover
from engine.rules.decide.send import send
from engine.rules.draft import Draft
from engine.rules.outcomes import Failure, Success
from engine.states import CallEffect
from tests.support.memory import MemoryRequest, act, graph
from tests.unit.engine.rules.decide.samples import LINE, TOLD, with_flow


def blocked_after_a_call() -> MemoryRequest:
    request = MemoryRequest(LINE)
    number = request.claim("a")
    request.do(lambda d: send(d, "a", number, "key-1"))
    request.do(lambda d: _fail(d, "a", number))
    return request


def test_the_same_key_needs_no_confirmation() -> None:
    request = blocked_after_a_call()
    with_flow(request, "a")
    number = request.claim("a")
    request.do(lambda d: send(d, "a", number, "key-1"))


def test_a_new_key_needs_the_confirmation_and_a_reason() -> None:
    request = blocked_after_a_call()
    for facts in ({}, {"confirmed": True}, {"reason": "asked the bank"}):
        unconfirmed = partial(options.retrigger, act=act(**facts), node="a", flow=True, new_key=True)
        with pytest.raises(ConfirmationNeeded):
            request.do(unconfirmed)
    confirmed = act(confirmed=True, reason="asked the bank")
    request.do(lambda d: options.retrigger(d, confirmed, "a", flow=True, new_key=True))
    assert request.steps["a"].key_salt == 1
    number = request.claim("a")
    request.do(lambda d: send(d, "a", number, "key-2"))


def test_a_confirmation_needs_a_reason_though_nothing_would_be_repeated() -> None:
    """What the act releases may be rendered otherwise by then: the tick lets that call leave under another key."""
    request = MemoryRequest(LINE)
    request.fail("a")
    with pytest.raises(Refused, match="needs a reason with it"):
        with_flow(request, "a", confirmed=True, reason=" ")
    assert request.status == "blocked"
    with_flow(request, "a", confirmed=True, reason="asked the bank")


def test_a_new_key_needs_a_reason_though_no_call_was_made_yet() -> None:
    request = MemoryRequest(LINE)
    request.fail("a", call=CallEffect.NOT_SENT)
    for flow in (True, False):
        anew = partial(options.retrigger, node="a", flow=flow, new_key=True)
        with pytest.raises(Refused, match="A new key needs a reason"):
            request.do(partial(anew, act=act(reason=" ")))
    request.do(partial(anew, act=act(reason="the first was typed wrongly")))
    assert request.steps["a"].key_salt == 1


def test_a_call_whose_rendering_changed_is_stopped_before_it_leaves() -> None:
    request = blocked_after_a_call()
    with_flow(request, "a")
    number = request.claim("a")
    with pytest.raises(ConfirmationNeeded):
        request.do(lambda d: send(d, "a", number, "another"))


def test_a_confirmation_lets_one_call_leave_that_is_rendered_otherwise_by_then() -> None:
    """When it was planned, its key was to be the same."""
    request = blocked_after_a_call()
    assert not request.plan(Action.FLOW, "a").needs_confirmation
    with_flow(request, "a", confirmed=True, reason="asked the bank")
    number = request.claim("a")
    request.do(lambda d: send(d, "a", number, "another"))
    with pytest.raises(ConfirmationNeeded):
        request.do(lambda d: send(d, "a", number, "a third"))


def test_a_call_given_back_by_a_clean_stop_is_the_last_one_and_is_not_known() -> None:
    request = MemoryRequest(LINE)
    number = request.claim("a")
    request.do(lambda d: send(d, "a", number, "key-1"))
    request.do(lambda d: give_back(d, "a", number))
    assert request.steps["a"].call is CallEffect.UNKNOWN


def test_a_function_that_did_not_come_to_its_call_keeps_what_the_last_one_did() -> None:
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


@pytest.mark.parametrize("kind", ["function", "decision"])
def test_what_has_taken_no_key_has_called_nothing(kind: str) -> None:
    request = MemoryRequest(graph("f > end", kinds={"f": kind}))
    number = request.claim("f")
    request.do(lambda d: finish(d, Finished("f", number, Failure("it fell over"))))
    assert request.steps["f"].call is request.ends["f", number].call is None


def test_a_plan_says_that_an_earlier_call_may_have_worked_though_the_last_one_did_not_leave() -> None:
    request = blocked_after_a_call()
    with_flow(request, "a")
    request.fail("a", call=CallEffect.NOT_SENT)
    assert request.steps["a"].call is CallEffect.NOT_SENT
    assert [run.earlier for run in request.plan(Action.FLOW, "a").runs][:1] == [CallEffect.UNKNOWN]


def test_calls_behind_that_would_be_repeated_need_it_too() -> None:
    request = MemoryRequest(TOLD)
    request.fail("a")
    number = request.claim("mail")
    request.do(lambda d: send(d, "mail", number, "mail-1"))
    request.do(lambda d: _succeed_call(d, "mail", number))
    with pytest.raises(ConfirmationNeeded, match="mail"):
        with_flow(request, "a")
    with_flow(request, "a", confirmed=True, reason="a second mail does no harm")
    assert request.status == "in_progress"


TWO_WAYS = graph("a > mail", "a -failure> tidy", "tidy > mail", "mail > last", "last > end")


def mailed_behind_a_failure() -> MemoryRequest:
    """``a`` has failed, and what both of its paths lead to was called."""
    request = MemoryRequest(TWO_WAYS)
    request.fail("a", call=CallEffect.NOT_SENT)
    request.run("tidy")
    number = request.claim("mail")
    request.do(lambda d: send(d, "mail", number, "req-1-mail-1-0a"))
    request.do(lambda d: _succeed_call(d, "mail", number))
    return request


def test_so_does_provided_input_that_leads_to_them_again() -> None:
    request = mailed_behind_a_failure()
    with_flow(request, "a", confirmed=True, reason="a second mail does no harm")
    number = request.claim("a")
    unfit = Failure("request.input.x is not defined", CallEffect.NOT_SENT, must_block=True)
    request.do(lambda d: finish(d, Finished("a", number, unfit)))
    with pytest.raises(ConfirmationNeeded, match="mail"):
        request.do(lambda d: options.provide_input(d, act(), "a", "{}"))
    confirmed = act(confirmed=True, reason="a second mail does no harm")
    request.do(lambda d: options.provide_input(d, confirmed, "a", "{}"))
    assert request.due == ["mail"]


def test_so_does_continue_flow_that_leads_to_them_again() -> None:
    request = mailed_behind_a_failure()
    request.do(lambda d: options.retrigger(d, act(), "a", flow=False))
    request.run("a")
    plan = request.plan(Action.CONTINUE)
    assert plan.needs_confirmation and plan.needs_reason
    with pytest.raises(ConfirmationNeeded, match="mail"):
        request.do(lambda d: options.continue_flow(d, act()))
    request.do(lambda d: options.continue_flow(d, act(confirmed=True, reason="a second mail does no harm")))
    assert request.due == ["mail"]


def _fail(draft: Draft, node: str, number: int) -> None:
    finish(draft, Finished(node, number, Failure("503", CallEffect.UNKNOWN)))


def _succeed_call(draft: Draft, node: str, number: int) -> None:
    finish(draft, Finished(node, number, Success("{}", call=CallEffect.ACCEPTED)))
