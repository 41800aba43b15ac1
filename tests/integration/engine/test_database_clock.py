"""The database's clock is set while engines run. What they read of it here is a function of ours with the same name."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url, select, text

from storage.tables import workers
from tests.integration.engine.conftest import OpenRoom
from tests.support.engine import Room
from tests.support.outside import Outside
from tests.support.poll import wait_until

pytestmark = pytest.mark.postgres

HOUR = 3600
LEASE = 5.0  # seconds; a beat comes each second, and a look for the dead twice in it
MAIL = """
workflow: mail
app: HR
title: Mail
nodes:
  mail: {action: {connection: mail, method: POST, path: /send, body: {to: ada@example.com}, timeout: 60s}}
"""
CLOCK = """
CREATE SCHEMA clock;
CREATE TABLE clock.ahead AS SELECT 0.0 AS seconds;
CREATE FUNCTION clock.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql AS
    'SELECT pg_catalog.clock_timestamp() + make_interval(secs => seconds) FROM clock.ahead';
ALTER DATABASE {} SET search_path = clock, pg_catalog, public;
"""


@pytest.fixture
def database_url(postgres_url: str, open_room: OpenRoom) -> str:
    room = open_room(postgres_url)
    with room.database.writing() as connection:
        connection.execute(text(CLOCK.format(make_url(postgres_url).database)))
    room.close()
    return postgres_url


def _last_beat(room: Room) -> float:
    with room.database.reading() as connection:
        return connection.scalar(select(workers.c.present_until)) or 0.0


def _next_beat(room: Room) -> float:
    before = _last_beat(room)
    return wait_until(lambda: (beat := _last_beat(room)) != before and beat, "a beat")


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_nobody_counts_as_dead_because_the_clock_was_set(
    database_url: str, outside: Outside, open_room: OpenRoom, seconds: float
) -> None:
    room = open_room(database_url, outside.connections)
    room.publish(MAIL)
    outside.turn("mail", "slow", 60)
    room.start(lease=LEASE)
    started = _last_beat(room)
    number = room.submit("mail")
    outside.wait_for_calls(1)
    wait_until(lambda: _last_beat(room) > started + LEASE + 1.0, "the engine to be sure of others")
    with room.database.writing() as connection:
        before = _next_beat(room)
        connection.execute(text("UPDATE clock.ahead SET seconds = :seconds"), {"seconds": seconds})
    wait_until(lambda: abs(_last_beat(room) - before - seconds) < HOUR / 2, "a beat by the other time")
    _next_beat(room), _next_beat(room)
    outside.turn("mail", "up")
    room.wait(number, "completed")
    assert [attempt.outcome for attempt in room.step(number, "mail").attempts] == ["succeeded"]
