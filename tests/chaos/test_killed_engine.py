"""kill -9 of the engine's process while steps run, its clean stop, and a second engine beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.conftest import StartEngine
from tests.support.engine import Room
from tests.support.outside import Outside
from tests.support.poll import PATIENCE, wait_until
from tests.support.waiting import WAITING, Folder

ONBOARDING = """
workflow: onboarding
app: HR
title: Onboarding
nodes:
  account:
    action: {connection: identity, method: POST, path: /accounts, body: {email: "{{ request.input.email }}"}}
  welcome:
    action: {connection: mail, method: POST, path: /send, body: {to: "{{ request.input.email }}"}}
"""
ADA = {"email": "ada@example.com"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def _attempts(room: Room, number: int, node: str) -> list[tuple[str, str | None, str | None]]:
    attempts = room.step(number, node).attempts
    assert [attempt.number for attempt in attempts] == list(range(1, len(attempts) + 1))
    return [(a.kind.value, a.outcome and a.outcome.value, a.call and a.call.value) for a in attempts]


@pytest.mark.parametrize("mode", ["slow", "no_answer"])
def test_a_call_cut_off_by_kill_9_is_recovered_within_two_seconds_of_the_start(
    room: Room, outside: Outside, start_engine: StartEngine, mode: str, strict_times: bool
) -> None:
    room.publish(ONBOARDING)
    outside.turn("identity", mode)
    engine = start_engine()
    number = room.submit("onboarding", ADA)
    outside.wait_for_calls(1)
    engine.kill()
    engine = start_engine()
    assert engine.recovered == 1
    outside.wait_for_calls(2)
    again = room.step(number, "account").attempts[1]
    assert again.started_at.timestamp() - engine.ready_at < 2.0 or not strict_times
    outside.turn("identity", "up")
    room.wait(number, "completed")
    assert _attempts(room, number, "account") == [("initial", "lost", "unknown"), ("recovery", "succeeded", "accepted")]
    assert len(outside.keys("identity")) == 2 and len(set(outside.keys("identity"))) == 1
    assert outside.effects == 2


def test_a_step_between_two_others_loses_nothing(room: Room, outside: Outside, start_engine: StartEngine) -> None:
    """What was done before the kill stays done, and is not done again."""
    room.publish(ONBOARDING)
    outside.turn("mail", "slow")
    engine = start_engine()
    numbers = [room.submit("onboarding", ADA) for _ in range(5)]
    outside.wait_for_calls(5, "mail")
    engine.kill()
    assert start_engine().recovered == 5
    outside.wait_for_calls(10, "mail")
    outside.turn("mail", "up")
    for number in numbers:
        room.wait(number, "completed")
        assert _attempts(room, number, "account") == [("initial", "succeeded", "accepted")]
        assert room.step(number, "welcome").recoveries == 1
    assert outside.effects == 10


def test_sigterm_waits_for_what_runs(room: Room, outside: Outside, start_engine: StartEngine) -> None:
    room.publish(ONBOARDING)
    outside.turn("identity", "slow", seconds=60)
    engine = start_engine(grace=PATIENCE)
    number = room.submit("onboarding", ADA)
    outside.wait_for_calls(1)
    engine.drain()
    outside.turn("identity", "up")
    assert engine.process.wait(PATIENCE) == 0
    document = room.document(number)
    assert document.status == "in_progress" and room.store.workers_alive() == 0
    assert _attempts(room, number, "account") == [("initial", "succeeded", "accepted")]
    assert _attempts(room, number, "welcome") == []
    assert start_engine().recovered == 0
    room.wait(number, "completed")


def test_sigterm_gives_back_what_does_not_end_and_counts_nothing(
    room: Room, start_engine: StartEngine, tmp_path: Path
) -> None:
    room.publish(WAITING)
    folder = Folder(tmp_path / "folder")
    engine = start_engine(grace=0.1)
    number = room.submit("waiting", folder.input)
    folder.wait_for_starts(1)
    assert engine.stop() == 0, "a thread that hangs does not keep the process"
    step = room.step(number, "wait")
    assert (step.status, step.recoveries) == ("ready", 0)
    assert start_engine().recovered == 0
    folder.wait_for_starts(2)
    folder.let_go()
    room.wait(number, "completed")
    assert _attempts(room, number, "wait") == [("initial", "returned", None), ("recovery", "succeeded", None)]
    assert room.step(number, "wait").recoveries == 0


def test_a_second_engine_on_the_same_file_is_refused_with_a_sentence(start_engine: StartEngine) -> None:
    first = start_engine()
    with pytest.raises(AssertionError, match=f"Another Retrigger engine .process {first.pid}. is running on"):
        start_engine()
    assert first.is_alive
    first.kill()
    assert start_engine().is_alive, "the lock goes with the process, however it ends"


def test_a_laptop_that_slept_goes_on_where_it_was(room: Room, start_engine: StartEngine, tmp_path: Path) -> None:
    """On SQLite a running step of the living engine is left alone, however long its lease is over."""
    room.publish(WAITING)
    folder = Folder(tmp_path / "folder")
    engine = start_engine(lease=0.5)
    number = room.submit("waiting", folder.input)
    folder.wait_for_starts(1)
    engine.pause()
    wait_until(lambda: room.store.expired(), "the lease to run out")
    engine.resume()
    wait_until(lambda: not room.store.expired(), "the lease to be renewed")
    folder.let_go()
    room.wait(number, "completed")
    assert _attempts(room, number, "wait") == [("initial", "succeeded", None)]
