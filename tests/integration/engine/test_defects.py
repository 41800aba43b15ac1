"""A defect of ours as an outcome is stored: the step is blocked, and what its call did is not forgotten (SPEC 4)."""

from __future__ import annotations

import json

from sqlalchemy import update

from engine.functions import function
from storage.tables import steps
from tests.integration.engine.conftest import OpenRoom
from tests.support.outside import Outside

MEETING = """
workflow: meeting
app: HR
nodes:
  split: {branch: [quick, wait]}
  quick: {function: {name: defects.nothing, isolation: thread}, next: both}
  wait: {delay: {for: 1h}}
  mail: {action: {connection: mail, method: POST, path: /send, body: {to: a@example.com}}, next: both}
  both: {merge: {}, next: end}
"""


@function("defects.nothing")
def nothing() -> None:
    pass


def test_what_an_accepted_call_did_is_known_though_its_outcome_could_not_be_stored(
    sqlite_url: str, outside: Outside, open_room: OpenRoom
) -> None:
    """A hand has put a list where the word for an act stands, which the rules fall over where the two paths meet."""
    before = open_room(sqlite_url, outside.connections)
    before.publish(MEETING)
    worker = before.start()
    number = before.submit("meeting")
    statuses = {"quick": "completed", "wait": "waiting"}
    before.wait(number, lambda d: statuses == {s.node: s.status.value for s in d.steps if s.node in statuses})
    assert worker.stop()
    room = open_room(sqlite_url, outside.connections)
    with room.database.writing() as connection:
        act = {"by": "b", "actor": "a", "door": "cli", "did": [], "node": "quick", "at": 1.0}
        connection.execute(update(steps).where(steps.c.node == "quick").values(trigger=json.dumps(act)))
    room.end_waits(number)
    room.start()

    mail = next(step for step in room.wait(number, "blocked").steps if step.node == "mail")

    assert (mail.error or "").startswith("Retrigger itself failed (TypeError)")
    assert (mail.call, mail.attempts[-1].call, len(outside.calls("mail"))) == ("accepted", "accepted", 1)
