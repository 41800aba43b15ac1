"""A re-trigger names another version, through the whole engine on both databases (SPEC 4, *Fixing the definition*)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from engine.errors import CallbackRefused, NotAnApprover, Refused
from engine.rules.allowed import Action
from engine.rules.permissions import Actor
from tests.support.engine import HANNA, Room
from tests.support.outside import Outside

BESIDE = """
workflow: NAME
app: HR
nodes:
  split: {branch: [account, desk]}
  account: {action: {connection: identity, method: POST, path: /accounts, body: {email: a@example.com}}, next: end}
  desk: {action: {connection: facilities, method: POST, path: /desks, body: {account: a}}, next: end}
"""
WELCOME = "  welcome: {action: {connection: mail, method: POST, path: /send, body: {to: a@example.com}}, next: end}\n"
CHOICE = """
workflow: NAME
app: HR
nodes:
  split: {branch: [account, desk]}
  account:
    action: {connection: identity, method: POST, path: /accounts, body: {email: a@example.com}}
    on_failure: route
    next: end
  desk: {action: {connection: facilities, method: POST, path: /desks, body: {account: a}}, next: route}
  route:
    decision:
      - {when: "{{ request.input.pay }}", next: pay}
      - {default: rest}
  pay: {action: {connection: mail, method: POST, path: /send, body: {to: a@example.com}}, next: end}
  rest: {end: {status: completed}}
"""


def blocked(room: Room, outside: Outside, text: str, **off: str) -> int:
    """A request of the first version, Blocked because these systems refuse; they work by now."""
    room.publish(text)
    for system, how in off.items():
        outside.turn(system, how)
    number = room.submit("versions", {"pay": True})
    room.wait(number, "blocked")
    for system in off:
        outside.turn(system, "up")
    return number


@pytest.fixture
def room(database_url: str, outside: Outside) -> Iterator[Room]:
    with closing(Room(database_url, outside.connections)) as room:
        room.start()
        yield room
        room.check_audit()


def test_no_request_is_completed_before_what_the_version_brought_has_run(room: Room, outside: Outside) -> None:
    """Step only, ticked, and directly before the end: what is beside it has a further step by now."""
    text = BESIDE.replace("NAME", "versions")
    number = blocked(room, outside, text, identity="down")
    room.publish(text.replace("{account: a}}, next: end", "{account: a}}, next: welcome") + WELCOME)

    room.engine.retrigger(HANNA, number, "account", update_status=True, version=2)
    document = room.wait(number, lambda d: any(step.held for step in d.steps))
    assert (document.status, document.reason) == ("blocked", "remaining steps not started")

    assert [run.node for run in room.engine.plan(HANNA, number, Action.CONTINUE).runs] == ["welcome"]
    room.engine.continue_flow(HANNA, number)
    room.wait(number, "completed")
    assert len(outside.calls("mail")) == 1


def test_a_request_stays_on_its_version_until_a_re_trigger_names_another(room: Room, outside: Outside) -> None:
    text = BESIDE.replace("NAME", "versions")
    number = blocked(room, outside, text, identity="down")
    room.publish(text.replace("connection: identity", "connection: mail"))
    outside.turn("identity", "down")
    room.engine.retrigger(HANNA, number, "account", flow=True)
    room.wait(number, "blocked")
    outside.turn("identity", "up")
    room.engine.retrigger(HANNA, number, "account", flow=True)
    document = room.wait(number, "completed")
    assert document.version == 1
    assert {attempt.workflow_version for step in document.steps for attempt in step.attempts} == {1}
    assert not outside.calls("mail")


def test_a_decision_that_the_version_does_not_take_again_must_have_its_path(room: Room, outside: Outside) -> None:
    text = CHOICE.replace("NAME", "versions")
    number = blocked(room, outside, text, identity="down", mail="down")
    room.publish(
        text.replace("    on_failure: route\n", "").replace("pay}", "pay_now}").replace("  pay:", "  pay_now:")
    )

    for flow in (True, False):
        with pytest.raises(Refused, match="lacks"):
            room.engine.retrigger(HANNA, number, "account", flow=flow, version=2)


def test_a_step_of_a_version_that_was_left_is_shown_and_told_as_cancelled(room: Room, outside: Outside) -> None:
    text = BESIDE.replace("NAME", "versions")
    number = blocked(room, outside, text, identity="down")
    room.publish(text.replace("{account: a}}, next: end", "{account: a}}, next: welcome") + WELCOME)
    outside.turn("identity", "down")
    for version in (2, 1):
        room.engine.retrigger(HANNA, number, "account", version=version)
        room.wait(number, lambda d: [s.status for s in d.steps if s.node == "account"] == ["blocked"])

    assert room.step(number, "welcome").status == "cancelled"
    with pytest.raises(Refused, match="welcome is cancelled"):
        room.engine.provide_input(HANNA, number, "welcome", "{}")


def test_who_is_asked_by_another_version_s_approval_is_asked_and_who_was_is_not(room: Room) -> None:
    asking = "{workflow: versions, app: HR, nodes: {ask: {approval: {approvers: [WHO]}}}}"
    ben, gus = (Actor(f"{name}@example.com", name, "cli", mail=f"{name}@example.com") for name in ("ben", "gus"))
    room.publish(asking.replace("WHO", "ben@example.com"))
    number = room.submit("versions")
    room.wait(number, lambda document: [step.approvers for step in document.steps[:1]] == [("ben@example.com",)])
    assert room.engine.asked(ben, number, "ask").names == ("ben@example.com",)

    room.publish(asking.replace("WHO", "gus@example.com"))
    room.engine.retrigger(HANNA, number, "ask", flow=True, version=2)
    room.wait(number, lambda document: [step.approvers for step in document.steps[:1]] == [("gus@example.com",)])

    assert room.engine.asked(gus, number, "ask").names == ("gus@example.com",)
    with pytest.raises(NotAnApprover, match=r"gus@example\.com"):
        room.engine.asked(ben, number, "ask")


def test_the_address_of_a_callback_does_not_answer_the_approval_that_took_its_place(room: Room) -> None:
    boss = Actor("boss@example.com", "boss", "cli", mail="boss@example.com")
    room.publish("{workflow: versions, app: HR, nodes: {sure: {callback: {}}}}")
    number = room.submit("versions")
    room.wait(number, lambda document: document.steps[0].waits_for == "a call from outside")
    address = (room.engine.callback_url(HANNA, number, "sure") or "").rpartition("/")[2]
    room.publish("{workflow: versions, app: HR, nodes: {sure: {approval: {approvers: [boss@example.com]}}}}")
    room.engine.retrigger(HANNA, number, "sure", flow=True, version=2)
    room.wait(number, lambda document: document.steps[0].approvers == ("boss@example.com",))

    with pytest.raises(CallbackRefused, match="in version 2 it is of kind approval"):
        room.engine.call_back(address, '{"ok": true}')
    assert room.document(number).steps[0].waits_for == "the approval of boss@example.com"
    room.engine.answer(boss, number, "sure", True)
    room.wait(number, "completed")
