"""A blocked step that does not count any more blocks nothing, wherever a request is told (SPEC 4, *Recalculated
status*)."""

from __future__ import annotations

from engine.states import RequestStatus
from tests.support.engine import HANNA, Room
from tests.support.outside import Outside

TOLD = """
workflow: told
app: HR
nodes:
  account:
    action: {connection: identity, method: POST, path: /accounts, body: {email: a@example.com}}
    on_failure: tell
    next: desk
  desk: {action: {connection: facilities, method: POST, path: /desks, body: {account: a}}, next: end}
  tell: {action: {connection: mail, method: POST, path: /send, body: {to: a@example.com}}, next: no_account}
  no_account: {end: {status: failed}}
"""


def test_lists_and_documents_name_what_blocks_now(shared_room: Room, shared_outside: Outside) -> None:
    """The step on the path of before is blocked still, and nobody is to act on it."""
    room, off = shared_room, ("identity", "mail")
    room.publish(TOLD)
    for system in off:
        shared_outside.turn(system, "down")
    number = room.submit("told")
    room.wait(number, "blocked")
    assert room.document(number).blocked == ("tell",)
    for system in off:
        shared_outside.turn(system, "up")
    room.engine.retrigger(HANNA, number, "account", update_status=True)
    document = room.wait(number, lambda d: d.steps[0].held)
    assert (document.status, document.blocked) == (RequestStatus.BLOCKED, ())
    assert document.reason_to_tell == "remaining steps not started"
    (listed,) = [it for it in room.engine.documents(HANNA, app="HR") if it.number == number]
    (report,) = [it for it in room.engine.blocked(HANNA).requests if it.number == number]
    assert listed.blocked == report.blocked == ()
