"""What people do about actions that failed, through the whole engine, on both databases (SPEC 4)."""

from __future__ import annotations

import pytest

from engine import texts
from engine.errors import ConfirmationNeeded, Refused
from tests.integration.engine.onboarding import ADA, HASTY, WITH_FAILURE_PATH, account_of, blocked_account, story
from tests.support.engine import HANNA, Room
from tests.support.outside import Outside


@pytest.fixture
def room(onboarding: Room) -> Room:
    return onboarding


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
    number = blocked_account(room)
    outside.turn("identity", "up")
    room.engine.retrigger(HANNA, number, "account")
    document = room.wait(number, lambda d: account_of(d).held)
    assert document.status == "blocked" and "continue" in document.actions
    assert not outside.calls("facilities")
    room.engine.continue_flow(HANNA, number)
    room.wait(number, "completed")
    assert outside.effects == 3 and len(set(outside.keys("identity"))) == 1


def test_step_only_with_the_box_ticked_says_what_is_left(room: Room, outside: Outside) -> None:
    outside.turn("identity", "down")
    number = blocked_account(room)
    outside.turn("identity", "up")
    room.engine.retrigger(HANNA, number, "account", update_status=True)
    document = room.wait(number, lambda d: d.reason == texts.REMAINING_NOT_STARTED)
    assert document.status == "blocked"
    room.engine.continue_flow(HANNA, number)
    room.wait(number, "completed")


@pytest.mark.parametrize("ticked", [False, True])
def test_step_only_that_fails_again_leaves_the_request_as_it_was(room: Room, outside: Outside, ticked: bool) -> None:
    outside.turn("identity", "down")
    number = blocked_account(room)
    before = room.document(number)
    room.engine.retrigger(HANNA, number, "account", update_status=ticked)
    document = room.wait(number, lambda d: len(account_of(d).attempts) == 6 and account_of(d).status == "blocked")
    assert (document.status, document.reason) == (before.status, before.reason)
    assert story(room.step(number, "account"))[3][0] == "retrigger"
    assert len(set(outside.keys())) == 1


def test_a_new_key_for_a_call_that_may_have_taken_effect_needs_a_confirmation(room: Room, outside: Outside) -> None:
    room.publish(HASTY)
    outside.turn("identity", "no_answer")
    number = blocked_account(room)
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
    number = blocked_account(room)
    outside.turn("identity", "up")
    calls = len(outside.calls())
    version = room.publish(HASTY.replace('name: "{{ request.input.name }}"}', "name: Somebody}"))
    room.engine.retrigger(HANNA, number, "account", flow=True, version=version)
    document = room.wait(number, "blocked")
    assert "The earlier call may have taken effect" in (document.reason or "")
    step = room.step(number, "account")
    assert len(outside.calls()) == calls and story(step)[-1] == ("retrigger", "failed", "not_sent")
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
