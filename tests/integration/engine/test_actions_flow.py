"""Actions through the whole engine against real outside systems that fail in every way they can, on both databases."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from itertools import pairwise

import pytest

from engine import texts
from engine.documents import RequestDocument, StepDocument
from engine.errors import ConfirmationNeeded, Refused
from tests.integration.engine.conftest import OpenRoom
from tests.support import tcp
from tests.support.engine import HANNA, Room
from tests.support.outside import Outside

ONBOARDING = """
workflow: onboarding
app: HR
title: "Onboard {{ request.input.name }}"
nodes:
  account:
    action:
      connection: identity
      method: POST
      path: /accounts
      body: {email: "{{ request.input.email }}", name: "{{ request.input.name }}"}
      expect: {status: [200, 201], schema: {type: object, required: [id]}}
      timeout: 10s
      retry: {times: 2, interval: 0.01s, backoff: 1}
  desk:
    action:
      connection: facilities
      method: POST
      path: /desks
      body: {account: "{{ nodes.account.result.id }}"}
      timeout: 10s
  welcome:
    action: {connection: mail, method: POST, path: /send, body: {to: "{{ request.input.email }}"}}
"""
WITH_FAILURE_PATH = (
    ONBOARDING.replace("  desk:\n", "    on_failure: tell_it\n  desk:\n", 1)
    + """    next: end
  tell_it:
    action: {connection: mail, method: POST, path: /send, body: {to: it@example.com}}
    next: failed_end
  failed_end: {end: {status: failed}}
"""
)
HASTY = ONBOARDING.replace("timeout: 10s", "timeout: 0.3s", 1)  # for the tests whose outside system hangs
ADA = {"name": "Ada", "email": "ada@example.com"}


@pytest.fixture
def room(database_url: str, outside: Outside) -> Iterator[Room]:
    room = Room(database_url, outside.connections)
    room.publish(ONBOARDING)
    room.start()
    yield room
    room.close()


def _story(step: StepDocument) -> list[tuple[str, str | None, str | None]]:
    """Kind, outcome and effect of each attempt."""
    return [(a.kind.value, a.outcome and a.outcome.value, a.call and a.call.value) for a in step.attempts]


def _keys(step: StepDocument) -> list[str | None]:
    return [attempt.idempotency_key for attempt in step.attempts]


def _account(document: RequestDocument) -> StepDocument:
    step = document.step("account")
    assert step is not None
    return step


def _blocked_account(room: Room) -> int:
    number = room.submit("onboarding", ADA)
    room.wait(number, "blocked")
    return number


def test_a_request_goes_through_with_one_call_and_one_key_for_each_step(room: Room, outside: Outside) -> None:
    document = room.wait(room.submit("onboarding", ADA), "completed")
    assert [call["path"] for call in outside.calls()] == ["accounts", "desks", "send"]
    assert [key for step in document.steps for key in _keys(step)] == outside.keys()
    assert len(set(outside.keys())) == outside.effects == 3
    assert room.step(1, "account").result == {"id": "acc-1001", "email": "ada@example.com", "name": "Ada"}
    assert _story(room.step(1, "desk")) == [("initial", "succeeded", "accepted")]


def test_a_503_is_tried_again_under_the_same_key(room: Room, outside: Outside) -> None:
    outside.turn("identity", "down", times=2)
    number = room.submit("onboarding", ADA)
    room.wait(number, "completed")
    step = room.step(number, "account")
    tried_again = ("retry", "failed", "unknown")
    assert _story(step) == [("initial", "failed", "unknown"), tried_again, ("retry", "succeeded", "accepted")]
    assert step.retries == 2 and len(set(_keys(step))) == 1 and _keys(step) == outside.keys("identity")
    assert outside.effects == 3


def test_retries_used_up_block_and_a_re_trigger_keeps_the_key(room: Room, outside: Outside) -> None:
    outside.turn("identity", "down")
    number = _blocked_account(room)
    assert room.document(number).reason == "account: identity answered 503 Service Unavailable: identity is down"
    assert len(outside.calls()) == 3
    outside.turn("identity", "up")
    room.engine.retrigger(HANNA, number, "account", flow=True, reason="it is up again")
    room.wait(number, "completed")
    step = room.step(number, "account")
    assert _story(step)[-1] == ("retrigger", "succeeded", "accepted")
    assert step.attempts[-1].by == "Hanna Lead" and step.attempts[-1].reason == "it is up again"
    assert step.retries == 0, "a person's re-trigger opens a fresh budget"
    assert len(set(_keys(step))) == 1 and outside.keys("identity") == _keys(step)
    assert outside.effects == 3


def test_retry_after_is_honoured(database_url: str, open_room: OpenRoom) -> None:
    answers = iter(
        [("503 Service Unavailable", "Retry-After: 1"), ("429 Too Many Requests", "Retry-After: 0"), ("200 OK", "X: y")]
    )

    def talk(connection: socket.socket) -> None:
        while tcp.read_request(connection):
            status, header = next(answers)
            tcp.answer(connection, b'{"id": 1}', status, header, "Content-Type: application/json")

    with tcp.tcp_server(talk) as url:
        room = open_room(database_url, {"identity": url, "facilities": url, "mail": url})
        room.publish(ONBOARDING[: ONBOARDING.index("  desk:")])
        room.start()
        number = room.submit("onboarding", ADA)
        room.wait(number, "completed")
        first, second, third = room.step(number, "account").attempts
        room.close()  # while there is somebody to talk to
    assert first.ended_at and (second.started_at - first.ended_at).total_seconds() >= 1.0
    assert first.call == "unknown" and second.call == "rejected" and third.call == "accepted"


def test_wrong_data_blocks_as_accepted_and_provided_input_completes(room: Room, outside: Outside) -> None:
    outside.turn("identity", "wrong_data")
    number = _blocked_account(room)
    step = room.step(number, "account")
    assert _story(step) == [("initial", "failed", "accepted")], "an answer that does not fit is not tried again"
    assert "'id' is a required property" in (step.error or "")
    assert '"id": ""' in room.engine.input_draft(HANNA, number, "account")
    room.engine.provide_input(HANNA, number, "account", '{"id": "acc-77"}', reason="looked it up")
    room.wait(number, "completed")
    step = room.step(number, "account")
    assert _story(step)[-1] == ("provided_input", "succeeded", None) and step.result == {"id": "acc-77"}
    assert len(outside.calls("identity")) == 1 and outside.effects == 3


@pytest.mark.parametrize("mode", ["no_answer", "slow"])
def test_a_call_that_hangs_is_timed_out_and_its_effect_happens_once(room: Room, outside: Outside, mode: str) -> None:
    room.publish(HASTY)
    outside.turn("identity", mode)
    number = _blocked_account(room)
    step = room.step(number, "account")
    assert {effect for _, _, effect in _story(step)} == {"unknown"} and len(step.attempts) == 3
    assert step.error == "identity did not answer within 0.3 s."
    for attempt in step.attempts:
        assert attempt.ended_at and 0.3 <= (attempt.ended_at - attempt.started_at).total_seconds() < 3
    outside.turn("identity", "up")
    room.engine.retrigger(HANNA, number, "account", flow=True)
    room.wait(number, "completed")
    assert len(set(outside.keys("identity"))) == 1 and outside.effects == 3


def test_a_refused_connection_is_known_as_not_sent(database_url: str, outside: Outside, open_room: OpenRoom) -> None:
    """The service is gone while its kept-alive connection is still in our pool; then it comes back on its port."""
    first = Outside()
    room = open_room(database_url, {**outside.connections, "identity": f"{first.url}/identity"})
    room.publish(ONBOARDING)
    room.start()
    room.wait(room.submit("onboarding", ADA), "completed")
    first.stop()
    number = _blocked_account(room)
    step = room.step(number, "account")
    assert {effect for _, _, effect in _story(step)} == {"not_sent"} and len(step.attempts) == 3
    assert "connection refused" in (step.error or "")
    second = Outside(first.port)
    assert second.url == first.url
    room.engine.retrigger(HANNA, number, "account", flow=True, new_key=True, reason="not sent")  # so nothing is asked
    room.wait(number, "completed")
    second.stop()
    assert second.effects == len(second.calls()) == 1


def test_a_4xx_is_rejected_not_retried_and_mended_by_a_new_version(room: Room, outside: Outside) -> None:
    number = room.submit("onboarding", {"name": "Ada", "email": ""})
    room.wait(number, "blocked")
    step = room.step(number, "account")
    assert _story(step) == [("initial", "failed", "rejected")]
    mended = ONBOARDING.replace('{email: "{{ request.input.email }}"', "{email: someone@example.com")
    version = room.publish(mended.replace('{to: "{{ request.input.email }}"}', "{to: someone@example.com}"))
    room.engine.retrigger(HANNA, number, "account", flow=True, version=version)  # rejected: no question asked
    document = room.wait(number, "completed")
    assert document.version == version
    assert [a.workflow_version for a in room.step(number, "account").attempts] == [1, version]
    assert len(set(outside.keys("identity"))) == 2 and outside.effects == 3


def test_the_failure_path_is_taken_and_a_failed_request_can_be_re_triggered(room: Room, outside: Outside) -> None:
    room.publish(WITH_FAILURE_PATH)
    outside.turn("identity", "down")
    number = room.submit("onboarding", ADA)
    room.wait(number, "failed")
    statuses = {step.node: step.status.value for step in room.document(number).steps}
    assert statuses["account"] == "failed" and statuses["tell_it"] == "completed" and statuses["desk"] == "skipped"
    outside.turn("identity", "up")
    with pytest.raises(ConfirmationNeeded, match="tell_it"):  # it would be told again, if the account failed again
        room.engine.retrigger(HANNA, number, "account", flow=True)
    room.engine.retrigger(HANNA, number, "account", flow=True, confirmed=True, reason="IT may be told twice")
    room.wait(number, "completed")
    statuses = {step.node: step.status.value for step in room.document(number).steps}
    assert statuses["welcome"] == "completed"
    assert statuses["tell_it"] == statuses["failed_end"] == "cancelled"
    assert outside.effects == 4


def test_step_only_is_held_until_continue_flow(room: Room, outside: Outside) -> None:
    outside.turn("identity", "down")
    number = _blocked_account(room)
    outside.turn("identity", "up")
    room.engine.retrigger(HANNA, number, "account")
    document = room.wait(number, lambda d: _account(d).held)
    assert document.status == "blocked" and "continue" in document.actions
    assert not outside.calls("facilities")
    room.engine.continue_flow(HANNA, number)
    room.wait(number, "completed")
    assert outside.effects == 3 and len(set(outside.keys("identity"))) == 1


def test_step_only_with_the_box_ticked_says_what_is_left(room: Room, outside: Outside) -> None:
    outside.turn("identity", "down")
    number = _blocked_account(room)
    outside.turn("identity", "up")
    room.engine.retrigger(HANNA, number, "account", update_status=True)
    document = room.wait(number, lambda d: d.reason == texts.REMAINING_NOT_STARTED)
    assert document.status == "blocked"
    room.engine.continue_flow(HANNA, number)
    room.wait(number, "completed")


@pytest.mark.parametrize("ticked", [False, True])
def test_step_only_that_fails_again_leaves_the_request_as_it_was(room: Room, outside: Outside, ticked: bool) -> None:
    outside.turn("identity", "down")
    number = _blocked_account(room)
    before = room.document(number)
    room.engine.retrigger(HANNA, number, "account", update_status=ticked)
    document = room.wait(number, lambda d: len(_account(d).attempts) == 6 and _account(d).status == "blocked")
    assert (document.status, document.reason) == (before.status, before.reason)
    assert _story(room.step(number, "account"))[3][0] == "retrigger"
    assert len(set(outside.keys())) == 1


def test_a_new_key_for_a_call_that_may_have_taken_effect_needs_a_confirmation(room: Room, outside: Outside) -> None:
    room.publish(HASTY)
    outside.turn("identity", "no_answer")
    number = _blocked_account(room)
    outside.turn("identity", "up")
    calls = len(outside.calls())
    for wrong in ({}, {"confirmed": True}, {"reason": "sure"}):
        with pytest.raises(ConfirmationNeeded, match="The earlier call may have taken effect"):
            room.engine.retrigger(HANNA, number, "account", flow=True, new_key=True, **wrong)
    assert room.document(number).status == "blocked" and len(outside.calls()) == calls
    room.engine.retrigger(HANNA, number, "account", flow=True, new_key=True, confirmed=True, reason="none was made")
    room.wait(number, "completed")
    keys = outside.keys("identity")
    assert len(set(keys)) == 2 and keys[-1] != keys[0]
    assert outside.effects == 4, "a second account, as the person had confirmed"


def test_another_call_than_the_one_that_may_have_taken_effect_does_not_leave(room: Room, outside: Outside) -> None:
    room.publish(HASTY)
    outside.turn("identity", "no_answer")
    number = _blocked_account(room)
    outside.turn("identity", "up")
    calls = len(outside.calls())
    version = room.publish(HASTY.replace('name: "{{ request.input.name }}"}', "name: Somebody}"))
    room.engine.retrigger(HANNA, number, "account", flow=True, version=version)
    document = room.wait(number, "blocked")
    assert "The earlier call may have taken effect" in (document.reason or "")
    step = room.step(number, "account")
    assert len(outside.calls()) == calls and _story(step)[-1] == ("retrigger", "failed", "not_sent")
    room.engine.retrigger(HANNA, number, "account", flow=True, confirmed=True, reason="looked: none was made")
    room.wait(number, "completed")
    assert len(set(outside.keys("identity"))) == 2


def test_final_running_and_unknown_are_refused_and_change_nothing(room: Room, outside: Outside) -> None:
    number = room.submit("onboarding", ADA)
    room.wait(number, "completed")
    before = room.document(number)
    with pytest.raises(Refused, match="final"):
        room.engine.retrigger(HANNA, number, "account", flow=True)
    with pytest.raises(Refused, match="final"):
        room.engine.provide_input(HANNA, number, "account", '{"id": 1}')
    with pytest.raises(Refused, match="final"):
        room.engine.withdraw(HANNA, number, reason="too late")
    assert room.document(number) == before
    outside.turn("identity", "slow")
    other = room.submit("onboarding", ADA)
    outside.wait_for_calls(4)
    with pytest.raises(Refused, match="running"):
        room.engine.retrigger(HANNA, other, "account", flow=True)
    outside.turn("identity", "up")
    room.wait(other, "completed")


def test_every_attempt_is_kept_in_order(room: Room, outside: Outside) -> None:
    outside.turn("identity", "down", times=5)
    number = _blocked_account(room)
    room.engine.retrigger(HANNA, number, "account", flow=True)
    room.wait(number, "completed")
    attempts = room.step(number, "account").attempts
    assert [attempt.number for attempt in attempts] == [1, 2, 3, 4, 5, 6]
    assert all(earlier.ended_at <= later.started_at for earlier, later in pairwise(attempts) if earlier.ended_at)
