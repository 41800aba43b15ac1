"""Many people, threads and processes act on the same thing at once: one wins, the others are told (SPEC 5)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest

from engine.errors import Conflict, KeyReused, Refused
from engine.rules.decide.act import Accepted
from engine.rules.permissions import Actor, Grant, Permission
from tests.support.engine import HANNA, Room
from tests.support.outside import Outside

MAILING = """
workflow: mailing
app: HR
title: Mailing
nodes:
  account: {action: {connection: identity, method: POST, path: /accounts, body: {email: ada@example.com}}}
  mail: {action: {connection: mail, method: POST, path: /send, body: {to: ada@example.com}}}
"""
MANY = 20


@pytest.fixture
def database_url(engine_url: str) -> str:
    """Whatever runs the steps."""
    return engine_url


@pytest.fixture
def room(database_url: str, outside: Outside) -> Iterator[Room]:
    room = Room(database_url, outside.connections)
    room.publish(MAILING)
    room.engine.grant(HANNA, Grant("everybody@example.com", Permission.TAKE_ACTION))
    room.start()
    yield room
    room.close()


@pytest.fixture
def rooms(database_url: str, room: Room) -> Iterator[list[Room]]:
    """The engine's own process, and another with a door of its own."""
    other = Room(database_url)
    yield [room, other]
    other.close()


def person(number: int) -> Actor:
    return Actor(f"slack:T1/P{number}", f"Person {number}", "slack", mail="everybody@example.com")


def at_once(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each act gave, or the refusal it met, started at the same moment in a thread each."""
    gate = threading.Barrier(len(acts))
    answers: list[Any] = [None] * len(acts)

    def run(place: int) -> None:
        gate.wait()
        try:
            answers[place] = acts[place]()
        except Refused as refusal:
            answers[place] = refusal

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


def blocked(room: Room, outside: Outside) -> int:
    outside.turn("identity", "down", times=1)
    number = room.submit("mailing")
    room.wait(number, "blocked")
    return number


def test_of_twenty_who_re_trigger_the_same_blocked_step_one_wins(rooms: list[Room], outside: Outside) -> None:
    room = rooms[0]
    number = blocked(room, outside)
    version = room.step(number, "account").version
    outside.turn("identity", "slow")

    def act(place: int) -> Callable[[], Accepted]:
        engine = rooms[place % 2].engine
        return lambda: engine.retrigger(person(place), number, "account", flow=True, expect_version=version)

    answers = at_once([act(place) for place in range(MANY)])
    winners = [place for place, answer in enumerate(answers) if isinstance(answer, Accepted)]
    assert len(winners) == 1
    losers = [answer for answer in answers if not isinstance(answer, Accepted)]
    assert all(isinstance(loser, Conflict) for loser in losers)
    assert {loser.by for loser in losers} == {f"Person {winners[0]}"}
    assert {loser.did for loser in losers} == {"re-triggered step and flow"}
    assert f"Person {winners[0]} re-triggered step and flow at" in str(losers[0])
    outside.turn("identity", "up")
    document = room.wait(number, "completed")
    assert [attempt.kind for attempt in document.steps[0].attempts] == ["initial", "retrigger"]
    assert [event.by for event in document.events if event.kind == "retriggered_flow"] == [f"Person {winners[0]}"]
    assert len(outside.calls("identity")) == 2 and outside.effects == 2


def test_of_ten_re_triggers_and_ten_inputs_one_wins(rooms: list[Room], outside: Outside) -> None:
    room = rooms[0]
    number = blocked(room, outside)
    version = room.step(number, "account").version

    def act(place: int) -> Callable[[], Accepted]:
        engine, who = rooms[place % 2].engine, person(place)
        if place % 4 < 2:
            return lambda: engine.retrigger(who, number, "account", expect_version=version)
        return lambda: engine.provide_input(who, number, "account", '{"id": 7}', expect_version=version)

    answers = at_once([act(place) for place in range(MANY)])
    assert sum(isinstance(answer, Accepted) for answer in answers) == 1
    assert sum(isinstance(answer, Conflict) for answer in answers) == MANY - 1
    document = room.wait(number, lambda d: d.status == "completed" or d.steps[0].held)
    assert len(document.steps[0].attempts) == 2


def test_the_same_command_many_times_is_one_act(rooms: list[Room], outside: Outside) -> None:
    room = rooms[0]
    number = blocked(room, outside)

    def act(place: int) -> Callable[[], Accepted]:
        engine = rooms[place % 2].engine
        return lambda: engine.retrigger(HANNA, number, "account", flow=True, command_id="click-1")

    answers = at_once([act(place) for place in range(MANY)])
    assert [answer.repeated for answer in answers].count(False) == 1
    room.wait(number, "completed")
    late = room.engine.retrigger(HANNA, number, "account", flow=True, command_id="click-1")
    assert {answer._replace(repeated=False) for answer in [*answers, late]} == {late._replace(repeated=False)}
    assert late.repeated and late.status == "in_progress", "a click that comes again after the end is answered alike"
    document = room.document(number)
    assert len(document.steps[0].attempts) == 2
    assert [event.kind for event in document.events].count("retriggered_flow") == 1
    assert len(outside.calls("identity")) == 2


def test_a_commands_id_is_good_for_one_act(room: Room, outside: Outside) -> None:
    number, other = blocked(room, outside), room.submit("mailing")
    first = room.engine.withdraw(HANNA, number, reason="not wanted", command_id="once")
    acts = (
        partial(room.engine.withdraw, HANNA, number, reason="for another reason"),
        partial(room.engine.withdraw, HANNA, other, reason="not wanted"),
        partial(room.engine.continue_flow, HANNA, number, reason="not wanted"),
        partial(room.engine.retrigger, HANNA, number, "account", reason="not wanted"),
        partial(room.engine.provide_input, HANNA, number, "account", "{}", reason="not wanted"),
    )
    for act in acts:
        with pytest.raises(KeyReused, match=f"The key once was used for something else before, in REQ-{number}"):
            act(command_id="once")
    again = room.engine.withdraw(HANNA, number, reason="not wanted", command_id="once")
    assert again == first._replace(repeated=True)
    assert room.document(other).status != "withdrawn"
    assert all("command" not in (event.data or {}) for event in room.document(number).events)


def test_the_same_submit_many_times_is_one_request(rooms: list[Room], outside: Outside) -> None:
    numbers = at_once([partial(rooms[place % 2].submit, "mailing", key="order-1") for place in range(MANY)])
    assert len(set(numbers)) == 1
    rooms[0].wait(numbers[0], "completed")
    assert outside.effects == 2


def test_withdraw_fences_off_a_running_call_and_keeps_its_late_result(room: Room, outside: Outside) -> None:
    outside.turn("identity", "slow")
    number = room.submit("mailing")
    outside.wait_for_calls(1)
    room.engine.withdraw(HANNA, number, reason="not wanted any more")
    document = room.document(number)
    assert (document.status, document.reason) == ("withdrawn", "not wanted any more")
    assert {step.status for step in document.steps} == {"cancelled"}
    outside.turn("identity", "up")
    late = room.wait(number, lambda d: d.steps[0].attempts[0].late is not None)
    assert '"call": "accepted"' in str(late.steps[0].attempts[0].late)
    assert late.status == "withdrawn" and late.steps[0].attempts[0].outcome == "cancelled"
    assert [step.version for step in late.steps] == [step.version for step in document.steps]
    assert len(outside.calls()) == 1 and not late.actions


def test_a_withdrawal_and_the_end_at_the_same_moment_agree(room: Room) -> None:
    """Whoever is first in the database: the answer that the person got is what the request says."""
    numbers = [room.submit("mailing") for _ in range(MANY)]

    def withdraw(place: int) -> Accepted:
        time.sleep(place * 0.01)  # some come before the end, some after it
        return room.engine.withdraw(HANNA, numbers[place], reason="too late?")

    answers = at_once([partial(withdraw, place) for place in range(MANY)])
    for number, answer in zip(numbers, answers, strict=True):
        withdrawn = isinstance(answer, Accepted)
        assert withdrawn or "final" in str(answer)
        document = room.wait(number, "withdrawn" if withdrawn else "completed")
        assert not {"ready", "running", "waiting", "pending"} & {step.status.value for step in document.steps}
    before = [room.document(number).status for number in numbers]
    assert room.worker is not None and room.worker.stop()
    assert [room.document(number).status for number in numbers] == before
