"""The database is full, read-only or away while steps run: nothing that was done is lost, or done twice."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from engine.errors import StorageError
from engine.records import Event
from tests.integration.engine.conftest import OpenRoom
from tests.support.engine import Room
from tests.support.outside import Outside
from tests.support.poll import wait_until
from tests.support.proxy import Proxy

MAILING = """
workflow: mailing
app: HR
title: Mailing
nodes:
  account:
    action: {connection: identity, method: POST, path: /accounts, body: {email: "{{ request.input.email }}"}}
  mail:
    action: {connection: mail, method: POST, path: /send, body: {to: "{{ nodes.account.result.email }}"}}
"""
LONG = {"email": "a" * 20_000}  # an outcome that needs new pages in the file
FULL = "There is no room left for the database"


class Disk:
    """How many pages the SQLite file of a room may have: SQLite's own limit, with its own error."""

    def __init__(self, room: Room) -> None:
        self._pages = 1_000_000
        self._room = room
        event.listen(room.database.engine, "begin", self._limit)

    def _limit(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {self._pages}")

    def fill(self) -> None:
        """No new page, and no room left in those that there are."""
        self._pages = 1
        for size in (100_000, 1000, 100):
            with contextlib.suppress(StorageError):
                while True:
                    self._room.store.record(Event(None, "filler", 0.0, reason="x" * size))

    def free(self) -> None:
        self._pages = 1_000_000


@pytest.fixture
def room(sqlite_url: str, outside: Outside) -> Iterator[Room]:
    room = Room(sqlite_url, outside.connections)
    room.publish(MAILING)
    yield room
    room.close()


@pytest.fixture
def disk(room: Room) -> Iterator[Disk]:
    disk = Disk(room)
    yield disk
    disk.free()  # whatever failed: an engine waits for room without end


def test_an_outcome_is_kept_until_a_full_disk_has_room_again(
    room: Room, disk: Disk, outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    room.start()
    outside.turn("identity", "slow")
    number = room.submit("mailing", LONG)
    outside.wait_for_calls(1)
    disk.fill()
    outside.turn("identity", "up")
    wait_until(lambda: "outcome.waits" in caplog.text, "the outcome that cannot be stored")
    assert FULL in caplog.text
    with pytest.raises(StorageError, match=FULL):
        room.submit("mailing", LONG)
    assert room.step(number, "account").status == "running"
    disk.free()
    room.wait(number, "completed")
    step = room.step(number, "account")
    assert [(attempt.kind, attempt.outcome) for attempt in step.attempts] == [("initial", "succeeded")]
    assert step.recoveries == 0 and len(outside.calls("identity")) == 1 and outside.effects == 2


def test_an_outcome_that_waits_needs_no_thread_of_its_own(
    room: Room, disk: Disk, outside: Outside, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the machine has none left just then, the step would run for ever, its lease renewed."""
    room.start()
    outside.turn("identity", "slow")
    number = room.submit("mailing", LONG)
    outside.wait_for_calls(1)
    disk.fill()
    _refuse_threads(monkeypatch)
    outside.turn("identity", "up")
    wait_until(lambda: "outcome.waits" in caplog.text, "the outcome that cannot be stored")
    disk.free()
    room.wait(number, "completed")
    assert outside.effects == 2


def _refuse_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """All but those of the engine's pools, which it has after its first turns."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if not thread.name.startswith("ThreadPoolExecutor"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)


def _with_an_outcome_that_waits(room: Room, disk: Disk, outside: Outside, caplog: pytest.LogCaptureFixture) -> int:
    outside.turn("identity", "slow")
    number = room.submit("mailing", LONG)
    outside.wait_for_calls(1)
    disk.fill()
    outside.turn("identity", "up")
    wait_until(lambda: "outcome.waits" in caplog.text, "the outcome that cannot be stored")
    return number


def test_a_stop_says_which_outcomes_were_not_stored(
    room: Room, disk: Disk, outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    worker = room.start()
    number = _with_an_outcome_that_waits(room, disk, outside, caplog)
    assert worker.stop(grace=0.1)
    room.worker = None
    (told,) = [record for record in caplog.records if record.getMessage().startswith("outcome.unstored")]
    assert f"request=REQ-{number} step=account" in told.getMessage()


def test_a_clean_stop_waits_for_outcomes_that_are_not_stored_yet(
    room: Room, disk: Disk, outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    worker = room.start()
    number = _with_an_outcome_that_waits(room, disk, outside, caplog)
    disk.free()
    assert worker.stop(grace=20.0)
    step = room.step(number, "account")
    assert [(attempt.outcome, attempt.late) for attempt in step.attempts] == [("succeeded", None)]


def test_what_cannot_be_claimed_on_a_full_disk_runs_when_there_is_room(
    room: Room, disk: Disk, outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = [room.submit("mailing", {"email": f"p{n}@example.com"}) for n in range(200)]
    disk.fill()
    room.start(slots=200)  # so many claims need new pages
    wait_until(lambda: "writer.blind" in caplog.text, "claims that cannot be stored")
    assert FULL in caplog.text
    disk.free()
    for number in numbers:
        room.wait(number, "completed")
    assert outside.effects == len(outside.calls()) == 400


def test_a_full_disk_at_the_start_is_a_sentence(room: Room, disk: Disk) -> None:
    disk.fill()
    with pytest.raises(StorageError, match=FULL):
        room.submit("mailing", LONG)
    disk.free()
    room.start()
    room.wait(room.submit("mailing", LONG), "completed")


def test_a_read_only_file_is_a_sentence_for_those_who_act_and_for_the_engine(room: Room, open_room: OpenRoom) -> None:
    number = room.submit("mailing", LONG)
    path = room.database.path
    read_only = open_room(f"sqlite:///file:{path}?mode=ro&uri=true")
    with pytest.raises(StorageError, match=r"is read-only\. Make the file and its folder writable"):
        read_only.submit("mailing", LONG)
    with pytest.raises(StorageError, match=r"is read-only\. Make the file and its folder writable"):
        read_only.start()
    assert read_only.document(number).status == "in_progress", "reading goes on"


@pytest.mark.parametrize("started", [True, False])
def test_a_database_that_does_not_say_when_a_wait_is_over_is_asked_again(
    started: bool, room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    """Just as a step begins to wait, or the engine starts: it is no defect, and the wait ends all the same."""
    room.publish("{workflow: waiting, app: HR, nodes: {wait: {delay: {for: 0.1s}}}}")
    refusals = [OperationalError("", None, sqlite3.OperationalError("disk i/o error"))]

    def refuse(connection: Connection, cursor: object, statement: str, *_: object) -> None:
        if "min(steps.due_at)" in statement and refusals:
            raise refusals.pop()

    if started:
        room.start()
    event.listen(room.database.engine, "before_cursor_execute", refuse)
    if not started:
        room.start()
    room.wait(room.submit("waiting"), "completed")
    assert not refusals and "writer.hook_failed" not in caplog.text


def test_a_disk_that_fails_as_the_engine_looks_for_what_others_wrote_does_not_stop_it(room: Room) -> None:
    lines, asked = set[Any](), list[str]()

    def refuse(action: int, name: str | None, *_: object) -> int:
        if (action, name) == (sqlite3.SQLITE_PRAGMA, "data_version"):
            asked.append("what others wrote")
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    event.listen(room.database.engine, "begin", lambda each: lines.add(each.connection.driver_connection))
    room.start()
    room.wait(room.submit("mailing", LONG), "completed")
    for line in lines:
        line.set_authorizer(refuse)
    wait_until(lambda: asked, "the engine to look")
    for line in lines:
        line.set_authorizer(None)
    room.wait(room.submit("mailing", LONG), "completed")


@pytest.mark.postgres
def test_connections_that_break_at_any_moment_lose_nothing(
    postgres_url: str, proxy: Proxy, outside: Outside, open_room: OpenRoom
) -> None:
    room = open_room(postgres_url, outside.connections)
    room.publish(MAILING)
    engine = open_room(proxy.url.render_as_string(hide_password=False), outside.connections)
    engine.start()
    numbers = []
    for n in range(40):
        numbers.append(room.submit("mailing", {"email": f"p{n}@example.com"}))
        if n % 4 == 0:
            proxy.cut_at_commit = ("after", "before")[n % 8 // 4]
        elif n % 4 == 2:
            proxy.cut()
    for number in numbers:
        document = room.wait(number, "completed")
        assert [len(step.attempts) for step in document.steps] == [1, 1, 0]
    assert outside.effects == 80


def test_a_database_that_refuses_is_said_once_and_its_end_once(
    room: Room, outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    refuses = "OFF"
    event.listen(room.database.engine, "begin", lambda connection: connection.exec_driver_sql(refusal()))

    def refusal() -> str:
        return f"PRAGMA query_only = {refuses}"

    room.publish(MAILING.replace("/accounts,", "/accounts, retry: {times: 9, interval: 1, backoff: 1},"))
    outside.turn("identity", "down")
    room.start(lease=0.5)  # it beats ten times a second
    number = room.submit("mailing", {"email": "a@example.com"})
    outside.wait_for_calls(1)
    refuses = "ON"
    wait_until(lambda: "database.away" in caplog.text and "writer.blind" in caplog.text, "the engine to notice")
    for _ in range(20):  # a turn of the writer each
        with pytest.raises(StorageError, match="read-only"):
            room.submit("mailing", {"email": "b@example.com"})
    outside.turn("identity", "up")
    refuses = "OFF"
    wait_until(lambda: "database.back" in caplog.text, "the engine to notice that it works again")
    room.wait(number, "completed")
    events = ("database.away", "database.back", "writer.blind", "writer.sees")
    assert [caplog.text.count(event) for event in events] == [1, 1, 1, 1]
