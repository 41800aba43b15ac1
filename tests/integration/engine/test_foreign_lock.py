"""Somebody has locked a request's row in a session of their own, and leaves the transaction open, while steps run."""

from __future__ import annotations

from contextlib import closing

import pytest
from sqlalchemy import text

from storage.database import open_database
from tests.integration.engine.conftest import OpenRoom
from tests.support.outside import Outside
from tests.support.poll import wait_until

pytestmark = pytest.mark.postgres
LEASE = 4.0  # seconds: shorter than the lock is held
MAILS = """
workflow: mails
app: HR
title: Mails
nodes:
  first: {action: {connection: mail, method: POST, path: /send, body: {to: ada@example.com}}}
  second: {action: {connection: mail, method: POST, path: /send, body: {to: bob@example.com}}}
"""


def test_the_others_go_on_and_the_locked_one_does_when_it_is_free_with_every_call_once(
    postgres_url: str, outside: Outside, open_room: OpenRoom
) -> None:
    room = open_room(postgres_url, outside.connections)
    room.publish(MAILS)
    held = room.submit("mails")
    others = []
    with closing(open_database(postgres_url)) as database, database.writing() as foreign:
        foreign.execute(text("SELECT id FROM requests WHERE id = :id FOR UPDATE"), {"id": held})
        room.start(lease=LEASE)
        (began,) = foreign.execute(text("SELECT extract(epoch FROM clock_timestamp())")).one()

        def held_for() -> float:
            (now,) = foreign.execute(text("SELECT extract(epoch FROM clock_timestamp())")).one()
            return float(now - began)

        while held_for() < 1.5 * LEASE:
            others.append(room.submit("mails"))
            room.wait(others[-1], "completed")
        assert room.document(held).status == "in_progress"
    room.wait(held, "completed")
    steps = [step for number in (held, *others) for step in (room.step(number, "first"), room.step(number, "second"))]
    assert [len(step.attempts) for step in steps] == [1] * len(steps)
    assert len(outside.calls("mail")) == len(steps)
    room.check_audit()


def test_a_running_step_whose_row_is_locked_for_longer_than_its_lease_has_its_effect_once(
    postgres_url: str, outside: Outside, open_room: OpenRoom
) -> None:
    """Its worker cannot renew the lease, so another takes the step over as soon as the row is free, though the worker
    lives: under the same key, and one of the two is late."""
    rooms = [open_room(postgres_url, outside.connections) for _ in range(2)]
    rooms[0].publish(MAILS)
    outside.turn("mail", "slow", seconds=3 * LEASE, times=1)
    rooms[0].start(lease=LEASE)
    number = rooms[0].submit("mails")
    outside.wait_for_calls(1)
    rooms[1].start(lease=LEASE)
    with closing(open_database(postgres_url)) as database, database.writing() as foreign:
        locked = "SELECT lease_until FROM steps WHERE request_id = :id AND node = 'first' FOR UPDATE"
        (until,) = foreign.execute(text(locked), {"id": number}).one()
        passed = "SELECT extract(epoch FROM clock_timestamp()) > :until"
        wait_until(lambda: foreign.execute(text(passed), {"until": until + 0.5}).scalar(), "its lease to run out")
    room = rooms[0]
    room.wait(number, "completed")
    step = room.step(number, "first")
    assert len(set(outside.keys("mail"))) == 2, "one key for each of the two steps, however often they called"
    assert step.recoveries == len(step.attempts) - 1 <= 1
    wait_until(lambda: all(attempt.outcome is not None for attempt in room.step(number, "first").attempts))
    room.check_audit()
