"""Somebody has locked a request's row in a session of their own, and leaves the transaction open, while steps run."""

from __future__ import annotations

from contextlib import closing

import pytest
from sqlalchemy import text

from storage.database import open_database
from tests.integration.engine.conftest import OpenRoom
from tests.support.outside import Outside

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
