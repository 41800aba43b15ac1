"""No second effect by accident: over visits, versions, retries and time, every call under another key was allowed."""

from __future__ import annotations

import random
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfirmationNeeded, Refused
from engine.rules.allowed import Action
from engine.rules.decide import options
from engine.rules.decide.finish import Finished, finish
from engine.rules.decide.lost import give_back, recover
from engine.rules.decide.send import send
from engine.rules.effects import ANY
from engine.rules.idempotency_keys import idempotency_key
from engine.rules.outcomes import Failure, Success
from engine.states import CallEffect, RequestStatus
from tests.support.memory import MemoryRequest, act, graph

CHARGE = graph(
    "charge > ship",
    "charge -failure> prep",
    "prep > refund",
    "refund > audit",
    "ship > end",
    "audit > failed_end",
    ends={"failed_end": "failed"},
)
V1 = graph("a > pay", "a -failure> pay", "pay > end")
V2 = graph("a > pay_now", "a -failure> pay_now", "pay_now > end")
SURE = act(confirmed=True, reason="asked the bank")


def call(request: MemoryRequest, node: str, key: str, effect: CallEffect, ok: bool = False) -> None:
    """The step makes its call under this key, and that is what it is known to have done."""
    number = request.claim(node)
    request.do(lambda d: send(d, node, number, key))
    outcome = Success("{}", call=effect) if ok else Failure("no", effect)
    request.do(lambda d: finish(d, Finished(node, number, outcome)))


def flow(request: MemoryRequest, node: str, **facts) -> None:
    request.do(lambda d: options.retrigger(d, act(**facts), node, flow=True))


def test_step_and_flow_fences_at_once_what_runs_behind() -> None:
    request = MemoryRequest(CHARGE)
    request.fail("charge", call=CallEffect.REJECTED)
    number = request.claim("prep")
    flow(request, "charge")
    assert request.statuses(("prep", "refund")) == {"prep": "pending", "refund": "pending"}
    assert request.succeed("prep", attempt=number) is False  # late: nothing follows from it
    assert request.due == ["charge"]


def test_an_effect_of_a_visit_before_is_not_repeated_unasked() -> None:
    request = MemoryRequest(CHARGE)
    request.fail("charge", call=CallEffect.REJECTED)
    request.run("prep")
    call(request, "refund", "refund-1", CallEffect.ACCEPTED, ok=True)
    with pytest.raises(ConfirmationNeeded, match="refund"):
        flow(request, "charge")
    flow(request, "charge", confirmed=True, reason="the first refund was taken back")
    request.fail("charge", call=CallEffect.REJECTED)
    request.run("prep")
    call(request, "refund", "refund-2", CallEffect.ACCEPTED, ok=True)


def test_a_call_under_way_when_it_is_fenced_counts_as_an_effect() -> None:
    request = MemoryRequest(CHARGE)
    request.fail("charge", call=CallEffect.REJECTED)
    request.run("prep")
    number = request.claim("refund")
    request.do(lambda d: send(d, "refund", number, "refund-1"))
    with pytest.raises(ConfirmationNeeded, match="refund"):
        flow(request, "charge")


def test_a_confirmation_is_good_for_one_key() -> None:
    request = MemoryRequest(V1)
    call(request, "a", "k1", CallEffect.UNKNOWN, ok=True)
    call(request, "pay", "k1", CallEffect.UNKNOWN)
    request.do(lambda d: options.retrigger(d, SURE, "pay", flow=True, new_key=True))
    call(request, "pay", "k2", CallEffect.REJECTED)
    flow(request, "pay")
    number = request.claim("pay")
    request.do(lambda d: send(d, "pay", number, "k2"))  # the same one again
    with pytest.raises(ConfirmationNeeded):
        request.do(lambda d: send(d, "pay", number, "k3"))


def test_a_confirmation_needs_a_reason_always() -> None:
    request = MemoryRequest(V1)
    request.fail("a", call=CallEffect.NOT_SENT)
    with pytest.raises(Refused, match="needs a reason"):
        request.do(lambda d: options.retrigger(d, act(confirmed=True), "a", flow=False))


def test_a_call_that_was_stopped_is_asked_for_in_the_next_plan() -> None:
    request = MemoryRequest(V1)
    request.run("a")
    call(request, "pay", "k1", CallEffect.UNKNOWN)
    flow(request, "pay")
    number = request.claim("pay")
    stopped = Failure("stopped", CallEffect.NOT_SENT, must_block=True, second_effect=True)
    request.do(lambda d: finish(d, Finished("pay", number, stopped)))
    assert request.plan(Action.FLOW, "pay").needs_confirmation
    with pytest.raises(ConfirmationNeeded):
        flow(request, "pay")
    flow(request, "pay", confirmed=True, reason="the amount was wrong")
    call(request, "pay", "k2", CallEffect.ACCEPTED, ok=True)
    assert request.status == "completed"


def test_continue_lists_only_the_path_that_the_held_step_left_by() -> None:
    request = MemoryRequest(CHARGE)
    request.fail("charge", call=CallEffect.REJECTED)
    request.run("prep", "refund", "audit")
    request.do(lambda d: options.retrigger(d, act(), "charge", flow=False))
    request.succeed("charge")
    assert [run.node for run in request.plan(Action.CONTINUE).runs] == ["ship"]


def test_a_ticked_step_before_its_end_completes_the_end_too() -> None:
    request = MemoryRequest(graph("a > end", "a -failure> mail", "mail > no", ends={"no": "failed"}))
    request.fail("a")
    request.run("mail")
    assert request.statuses(("end",)) == {"end": "skipped"}
    request.do(lambda d: options.retrigger(d, act(), "a", flow=False, update_status=True))
    request.succeed("a")
    assert (request.status, request.statuses(("end",))) == ("completed", {"end": "completed"})


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_every_call_under_another_key_was_allowed_by_a_person(number: int) -> None:
    """Random calls, deaths, acts and renderings: between two keys with effects there is always a confirmation."""
    seed = random.Random(number)
    request = MemoryRequest(CHARGE)
    effects: dict[str, str] = {}  # node → key of its last effect
    allowed: dict[str, str] = {}  # node → ANY, or the key that a confirmation was used for
    for turn in range(40):
        if request.due:
            _run(request, seed, seed.choice(request.due), effects, allowed, turn)
            continue
        nodes = [n for n, s in request.steps.items() if s.status.value in ("blocked", "failed") and not s.stale]
        if request.request.status is RequestStatus.COMPLETED or not nodes:
            break
        facts = {"confirmed": True, "reason": "yes"} if seed.random() < 0.4 else {}
        renew = seed.random() < 0.3
        chosen, alone = seed.choice(nodes), seed.random() < 0.3
        again = partial(options.retrigger, act=act(**facts), node=chosen, flow=not alone, new_key=renew)
        try:
            request.do(again)
        except Refused:
            continue
        if facts:
            reach = {chosen} if alone else {chosen, *request.graph.behind(chosen)}
            allowed |= {node: ANY for node in reach if node in effects}


def _run(
    request: MemoryRequest, seed: random.Random, node: str, effects: dict[str, str], allowed: dict[str, str], turn: int
) -> None:
    attempt = request.claim(node)
    step = request.steps[node]
    rendering = turn if seed.random() < 0.2 else 0  # a template that reads something else than before
    key = f"{node}-{step.visit}-{step.key_salt}-{rendering}"
    try:
        request.do(lambda d: send(d, node, attempt, key))
    except ConfirmationNeeded:
        stopped = Failure("stopped", CallEffect.NOT_SENT, must_block=True, second_effect=True)
        request.do(lambda d: finish(d, Finished(node, attempt, stopped)))
        return
    if effects.get(node, key) != key:
        assert allowed.get(node) in (ANY, key), f"{node}: {effects[node]}, then {key}"
        allowed[node] = key
    what = seed.choice(["ok", "no", "unknown", "lost", "returned"])
    if what in ("ok", "unknown", "lost", "returned"):
        effects[node] = key
        allowed.pop(node, None)
    if what == "lost":
        request.do(lambda d: recover(d, node, attempt, 0.0))
    elif what == "returned":
        request.do(lambda d: give_back(d, node, attempt))
    elif what == "ok":
        request.do(lambda d: finish(d, Finished(node, attempt, Success("{}", call=CallEffect.ACCEPTED))))
    else:
        call_effect = CallEffect.UNKNOWN if what == "unknown" else CallEffect.REJECTED
        request.do(lambda d: finish(d, Finished(node, attempt, Failure(what, call_effect))))


def test_a_confirmation_that_another_gave_does_not_serve_the_next_person() -> None:
    """Hanna confirms that ``pay`` is made again; then the step before it blocks: who re-triggers that is asked, too."""
    first = idempotency_key(1, "pay", 1, 0, "d")
    request = MemoryRequest(graph("a > end", "a -failure> mid", "mid > pay", "pay > bad", ends={"bad": "failed"}))
    request.fail("a", call=CallEffect.REJECTED)
    request.run("mid")
    call(request, "pay", first, CallEffect.ACCEPTED, ok=True)
    flow(request, "a", confirmed=True, reason="the first was returned")
    request.fail("a", call=CallEffect.REJECTED)
    request.fail("mid", call=CallEffect.REJECTED)
    again = {run.node: run.key for run in request.plan(Action.FLOW, "mid").runs}
    assert again["pay"] == "new" and request.plan(Action.FLOW, "mid").needs_confirmation
    with pytest.raises(ConfirmationNeeded, match="pay"):
        flow(request, "mid")


def test_a_function_that_took_its_key_and_was_given_up_may_have_had_an_effect() -> None:
    request = MemoryRequest(graph("pay > end", kinds={"pay": "function"}))
    number = request.claim("pay")
    request.do(lambda d: send(d, "pay", number, "k1"))
    request.do(lambda d: finish(d, Finished("pay", number, Failure("pay took longer than 2 s."))))
    assert request.steps["pay"].call is CallEffect.UNKNOWN
    with pytest.raises(ConfirmationNeeded):
        request.do(lambda d: options.retrigger(d, act(reason="again"), "pay", flow=True, new_key=True))
