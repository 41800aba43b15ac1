"""What a worker does about the dead, on both databases; tests/chaos kills real processes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import delete, select, update

from engine.executors.apscheduler import ApschedulerExecutor
from engine.functions import function
from engine.logs import running
from engine.records import AttemptEnd
from engine.rules.decide.claim import claim
from engine.rules.draft import Draft
from engine.states import AttemptOutcome, StepStatus
from engine.worker.runner import Runner
from engine.worker.worker import Worker
from storage.leases import NOBODY
from storage.tables import steps, workflows
from tests.integration.engine.conftest import OpenRoom
from tests.integration.storage.helpers import Worker as Collector
from tests.support.engine import HANNA, Room
from tests.support.outside import Outside
from tests.support.poll import wait_until
from tests.support.proxy import Proxy

MAIL = """
workflow: mail
app: HR
title: Mail
nodes:
  first: {action: {connection: mail, method: POST, path: /send, body: {to: one@example.com}}}
  second: {action: {connection: mail, method: POST, path: /send, body: {to: two@example.com}}}
"""
LEASE = 1.0  # seconds; for that long an engine on PostgreSQL tells nobody dead, and every test would wait for it
ONE = "{workflow: %s, app: HR, title: One, nodes: {one: {function: {name: test.one, isolation: thread}}}}"


@pytest.fixture
def database_url(engine_url: str) -> str:
    """Whatever runs the steps."""
    return engine_url


@function("test.one")
def one() -> int:
    return 1


def _left_running(url: str, *names: str) -> list[int]:
    """A request of each workflow, claimed by a worker that is gone."""
    gone = Collector("gone")
    with closing(Room(url)) as room:
        for name in names:
            room.publish(ONE % name)
        room.store.attach(gone.claimer)
        numbers = [room.submit(name) for name in names]
        gone.wait(len(names))
        room.store.detach()
        room.store.renew("gone", -1.0)
    return numbers


def test_a_request_that_cannot_be_recovered_does_not_keep_the_others(database_url: str, open_room: OpenRoom) -> None:
    bad, good = _left_running(database_url, "bad", "good")
    room = open_room(database_url)
    with room.database.writing() as connection:
        connection.execute(update(workflows).where(workflows.c.name == "bad").values(document='{"nodes": 7}'))
    room.start(lease=LEASE)
    room.wait(good, "completed")
    assert room.store.status(bad)[0].status == "in_progress"


def test_a_recovery_is_written_into_the_story(database_url: str, open_room: OpenRoom) -> None:
    (number,) = _left_running(database_url, "good")
    room = open_room(database_url)
    room.start(lease=LEASE)
    document = room.wait(number, "completed")
    assert [(a.kind, a.outcome, a.worker == "gone") for a in document.steps[0].attempts] == [
        ("initial", "lost", True),
        ("recovery", "succeeded", False),
    ]
    assert [event.data for event in document.events if event.kind == "worker_lost"] == [
        {"recovery": 1, "worker": "gone", "delay": 0.0}
    ]


def test_an_engine_that_wakes_up_before_its_call_left_does_not_call(
    database_url: str, outside: Outside, open_room: OpenRoom
) -> None:
    """The attempt number fences the call itself off, not only its outcome."""
    room, asleep = open_room(database_url, outside.connections), Collector("asleep")
    room.publish(MAIL)
    room.store.attach(asleep.claimer)
    number = room.submit("mail")
    (late,) = asleep.wait()
    room.store.detach()
    room.store.renew("asleep", -1.0)
    room.start(lease=LEASE)
    room.wait(number, "completed")
    assert Runner(room.tools()).execute(late) is None
    assert running.get() is None  # what this thread logs from now on is not of that step
    assert len(outside.calls()) == 2


def test_a_step_whose_outcome_cannot_be_stored_is_nobody_s_and_goes_on_once_it_can_be(
    database_url: str, outside: Outside, open_room: OpenRoom
) -> None:
    """Its definition cannot be read, as by a worker of an older Retrigger, or until somebody has mended the row."""
    before = open_room(database_url)
    before.publish(MAIL)
    number = before.submit("mail")
    before.close()
    room = open_room(database_url, outside.connections)
    with room.database.writing() as connection:
        good = connection.scalar(select(workflows.c.document))
        connection.execute(update(workflows).values(document='{"nodes": 7}'))
    room.start(lease=LEASE)
    wait_until(lambda: bool(room.store.running(NOBODY)), "the step to be nobody's")
    assert room.store.orphaned("living") == room.store.expired() != []
    with room.database.writing() as connection:
        connection.execute(update(workflows).values(document=good))
    room.wait(number, "completed")


def test_a_lost_wake_up_is_found_named_and_mended(
    database_url: str, outside: Outside, open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.worker.worker._STUCK_SWEEP", 0.1)
    room = open_room(database_url, outside.connections)
    room.publish(MAIL)
    number = room.submit("mail")
    room.store.change(number, _complete_without_going_on)
    room.start(lease=LEASE)
    document = room.wait(number, "blocked")
    assert document.reason == "Nothing is running: second was never started; end waits for second."
    assert "continue" in document.actions
    room.engine.continue_flow(HANNA, number)
    room.wait(number, "completed")
    assert [call["path"] for call in outside.calls()] == ["send"]


def test_a_request_one_of_whose_rows_is_gone_is_found_and_can_be_withdrawn(
    database_url: str, open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = open_room(database_url)
    room.publish("{workflow: waiting, app: HR, nodes: {wait: {delay: {for: 1d}}, then: {delay: {for: 1d}}}}")
    monkeypatch.setattr("engine.worker.worker._THOROUGH_SWEEP", 0.1)
    room.start(lease=LEASE)
    number = room.submit("waiting")
    room.wait(number, lambda document: document.steps[0].status == "waiting")
    room.meddled.add(number)
    with room.database.writing() as connection:
        connection.execute(delete(steps).where(steps.c.node == "wait"))
    document = room.wait(number, "blocked")
    assert document.reason == "Nothing is running: the row of wait is gone; then waits for wait; end waits for then."
    room.engine.withdraw(HANNA, number, reason="somebody has deleted a row")
    assert room.document(number).status == "withdrawn"


def _complete_without_going_on(draft: Draft) -> None:
    running, attempt = claim(draft.steps["first"], 1, "gone", draft.now, 5.0)
    end = AttemptEnd(running.request_id, "first", 1, AttemptOutcome.SUCCEEDED, draft.now)
    draft.attempts.append(attempt)
    draft.ends.append(end)
    draft.change_step("first", status=StepStatus.RUNNING, attempt=1)
    draft.change_step("first", status=StepStatus.COMPLETED, outlet="success", due_at=None)


class Watched(ApschedulerExecutor):
    """Remembers how often it was told to call what."""

    turns: ClassVar[dict[str, float]] = {}

    def every(self, seconds: float, job: Callable[[], None], name: str) -> None:
        self.turns[name] = seconds
        super().every(seconds, job, name)


def test_a_lease_of_five_seconds_is_renewed_every_second(open_room: OpenRoom, tmp_path: Path) -> None:
    room = open_room(f"sqlite:///{tmp_path}/r.db")
    runner = Runner(room.tools())
    room.worker = Worker(room.store, runner, name="watched", lease=5.0, exclusive=True, executor=Watched)
    room.worker.start()
    assert Watched.turns["heartbeat"] == 1.0


@pytest.mark.postgres
def test_an_engine_whose_database_is_away_stops_without_it(proxy: Proxy, open_room: OpenRoom) -> None:
    room = open_room(proxy.url.render_as_string(hide_password=False))
    worker = room.start()
    proxy.refuse()
    proxy.cut()
    assert worker.stop(grace=0.5)
    room.worker = None
