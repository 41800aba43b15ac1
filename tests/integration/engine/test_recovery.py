"""What a worker does about the dead, on both databases; tests/chaos kills real processes."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlalchemy.engine import make_url

from engine.functions import function
from storage.tables import workflows
from tests.integration.storage.helpers import Worker as Collector
from tests.integration.storage.test_lost_connection import Proxy
from tests.support.engine import Room

ONE = "{workflow: %s, app: HR, title: One, nodes: {one: {function: {name: test.one}}}}"


@function("test.one")
def one() -> int:
    return 1


def _left_running(url: str, *names: str) -> list[int]:
    """A request of each workflow, claimed by a worker that is gone."""
    room, gone = Room(url), Collector("gone")
    for name in names:
        room.publish(ONE % name)
    room.store.attach(gone.claimer)
    numbers = [room.submit(name) for name in names]
    gone.wait(len(names))
    room.store.detach()
    room.store.renew("gone", -1.0)
    room.close()
    return numbers


def test_a_request_that_cannot_be_recovered_does_not_keep_the_others(database_url: str) -> None:
    bad, good = _left_running(database_url, "bad", "good")
    room = Room(database_url)
    with room.database.writing() as connection:
        connection.execute(update(workflows).where(workflows.c.name == "bad").values(document='{"nodes": 7}'))
    room.start()
    room.wait(good, "completed")
    assert room.store.status(bad)[0].status == "in_progress"
    room.close()


def test_a_recovery_is_written_into_the_story(database_url: str) -> None:
    (number,) = _left_running(database_url, "good")
    room = Room(database_url)
    room.start()
    document = room.wait(number, "completed")
    assert [(a.kind, a.outcome, a.worker == "gone") for a in document.steps[0].attempts] == [
        ("initial", "lost", True),
        ("recovery", "succeeded", False),
    ]
    assert [event.data for event in document.events if event.kind == "worker_lost"] == [
        {"recovery": 1, "worker": "gone"}
    ]
    room.close()


@pytest.mark.postgres
def test_an_engine_whose_database_is_away_stops_without_it(postgres_url: str) -> None:
    Room(postgres_url).close()
    proxy = Proxy(make_url(postgres_url))
    room = Room(proxy.url.render_as_string(hide_password=False))
    worker = room.start()
    proxy.refuse()
    proxy.cut()
    assert worker.stop(grace=0.5)
    room.worker = None
    room.close()
    proxy.close()
