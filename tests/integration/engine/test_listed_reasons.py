"""Lists say why a request stands where it does, and nothing of what it hides (SPEC 7)."""

from __future__ import annotations

import json

import pytest

from engine.rules.permissions import Actor
from engine.states import RequestStatus
from engine.texts import MASK
from tests.support.engine import HANNA, Room

HIDDEN = "850101-1234"
BOSS = Actor("slack:T1/U7", "Ada Boss", "slack", mail="boss@example.com", slack_user="U7")
ASKING = """
workflow: hiding
app: HR
sensitive: [request.input.national_id]
nodes:
  ask: {approval: {approvers: [boss@example.com]}, approved: end%s}
%s
"""


@pytest.fixture
def room(shared_room: Room) -> Room:
    return shared_room


def asked(room: Room, rejected: str = "", more: str = "") -> int:
    """A request that waits for its approval."""
    room.publish(ASKING % (rejected, more))
    number = room.submit("hiding", {"national_id": HIDDEN})
    room.wait(number, lambda document: document.steps[0].status.value == "waiting")
    return number


def listed(room: Room, number: int, status: RequestStatus) -> str | None:
    found = {it.number: it.reason for it in room.engine.documents(HANNA, status=status)}
    return found[number]


def test_why_it_was_withdrawn(room: Room) -> None:
    number = asked(room)
    room.engine.withdraw(HANNA, number, reason=f"{HIDDEN} is somebody else")
    assert listed(room, number, RequestStatus.WITHDRAWN) == f"{MASK} is somebody else"


def test_why_it_was_rejected_where_that_blocks(room: Room) -> None:
    number = asked(room)
    room.engine.answer(BOSS, number, "ask", False, reason=f"{HIDDEN} is wrong")
    assert listed(room, number, RequestStatus.BLOCKED) == f"ask: Ada Boss rejected it: {MASK} is wrong."
    (blocked,) = [it for it in room.engine.blocked(HANNA).requests if it.number == number]
    assert HIDDEN not in (blocked.reason or "")


def test_the_workflow_goes_on_with_what_was_typed(room: Room) -> None:
    number = asked(room, ", rejected: refused", "  refused: {end: {status: rejected}}")
    room.engine.answer(BOSS, number, "ask", False, reason=f"{HIDDEN} is wrong")
    room.wait(number, "rejected")
    results = {row.step.node: row.result for row in room.store.detail(number).steps}
    assert json.loads(results["ask"] or "null")["reason"] == f"{HIDDEN} is wrong"
