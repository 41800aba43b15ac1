"""Actions through the whole engine against real outside systems that fail in every way they can, on both databases."""

from __future__ import annotations

import socket
from itertools import pairwise

import pytest

from tests.integration.engine.conftest import OpenRoom
from tests.integration.engine.onboarding import ADA, HASTY, ONBOARDING, blocked_account, keys_of, story
from tests.support import tcp
from tests.support.engine import HANNA, Room
from tests.support.outside import Outside


@pytest.fixture
def room(onboarding: Room) -> Room:
    return onboarding


def test_a_request_goes_through_with_one_call_and_one_key_for_each_step(room: Room, outside: Outside) -> None:
    document = room.wait(room.submit("onboarding", ADA), "completed")
    assert [call["path"] for call in outside.calls()] == ["accounts", "desks", "send"]
    assert [key for step in document.steps for key in keys_of(step)] == outside.keys()
    assert len(set(outside.keys())) == outside.effects == 3
    assert room.step(1, "account").result == {"id": "acc-1001", "email": "ada@example.com", "name": "Ada"}
    assert story(room.step(1, "desk")) == [("initial", "succeeded", "accepted")]


def test_two_installations_have_no_key_in_common(
    room: Room, sqlite_url: str, outside: Outside, open_room: OpenRoom
) -> None:
    """Each has a REQ-1, and an outside system that serves both must not take one for the other."""
    other = open_room(f"{sqlite_url}.other", outside.connections)
    other.publish(ONBOARDING)
    other.start()
    for each in (room, other):
        assert each.submit("onboarding", ADA) == 1
        each.wait(1, "completed")
    assert len(set(outside.keys())) == outside.effects == 6


def test_a_503_is_tried_again_under_the_same_key(room: Room, outside: Outside) -> None:
    outside.turn("identity", "down", times=2)
    number = room.submit("onboarding", ADA)
    room.wait(number, "completed")
    step = room.step(number, "account")
    tried_again = ("retry", "failed", "unknown")
    assert story(step) == [("initial", "failed", "unknown"), tried_again, ("retry", "succeeded", "accepted")]
    assert step.retries == 2 and len(set(keys_of(step))) == 1 and keys_of(step) == outside.keys("identity")
    assert outside.effects == 3


def test_retries_used_up_block_and_a_re_trigger_keeps_the_key(room: Room, outside: Outside) -> None:
    outside.turn("identity", "down")
    number = blocked_account(room)
    assert room.document(number).reason == "account: identity answered 503 Service Unavailable: identity is down"
    assert len(outside.calls()) == 3
    outside.turn("identity", "up")
    room.engine.retrigger(HANNA, number, "account", flow=True, reason="it is up again")
    room.wait(number, "completed")
    step = room.step(number, "account")
    assert story(step)[-1] == ("retrigger", "succeeded", "accepted")
    assert step.attempts[-1].by == "Hanna Lead" and step.attempts[-1].reason == "it is up again"
    assert step.retries == 0, "a person's re-trigger opens a fresh budget"
    assert len(set(keys_of(step))) == 1 and outside.keys("identity") == keys_of(step)
    assert outside.effects == 3


def test_retry_after_is_honoured(database_url: str, open_room: OpenRoom) -> None:
    answers = iter(
        [("503 Service Unavailable", "Retry-After: 1"), ("429 Too Many Requests", "Retry-After: 0"), ("200 OK", "X: y")]
    )

    def talk(connection: socket.socket) -> None:
        while tcp.read_request(connection):
            status, header = next(answers)
            tcp.answer(connection, b'{"id": 1}', status, header, "Content-Type: application/json")

    with tcp.tcp_server(talk) as url:
        room = open_room(database_url, {"identity": url, "facilities": url, "mail": url})
        room.publish(ONBOARDING[: ONBOARDING.index("  desk:")])
        room.start()
        number = room.submit("onboarding", ADA)
        room.wait(number, "completed")
        first, second, third = room.step(number, "account").attempts
        room.close()  # while there is somebody to talk to
    assert first.ended_at and (second.started_at - first.ended_at).total_seconds() >= 1.0
    assert first.call == "unknown" and second.call == "rejected" and third.call == "accepted"


def test_wrong_data_blocks_as_accepted_and_provided_input_completes(room: Room, outside: Outside) -> None:
    outside.turn("identity", "wrong_data")
    number = blocked_account(room)
    step = room.step(number, "account")
    assert story(step) == [("initial", "failed", "accepted")], "an answer that does not fit is not tried again"
    assert "'id' is a required property" in (step.error or "")
    assert '"id": ""' in room.engine.input_draft(HANNA, number, "account")
    room.engine.provide_input(HANNA, number, "account", '{"id": "acc-77"}', reason="looked it up")
    room.wait(number, "completed")
    step = room.step(number, "account")
    assert story(step)[-1] == ("provided_input", "succeeded", None) and step.result == {"id": "acc-77"}
    assert len(outside.calls("identity")) == 1 and outside.effects == 3


@pytest.mark.parametrize("mode", ["no_answer", "slow"])
def test_a_call_that_hangs_is_timed_out_and_its_effect_happens_once(room: Room, outside: Outside, mode: str) -> None:
    room.publish(HASTY)
    outside.turn("identity", mode)
    number = blocked_account(room)
    step = room.step(number, "account")
    assert {effect for _, _, effect in story(step)} == {"unknown"} and len(step.attempts) == 3
    assert step.error == "identity did not answer within 0.3 s."
    for attempt in step.attempts:
        took = attempt.ended_at and (attempt.ended_at - attempt.started_at).total_seconds()
        assert took and 0.3 <= took < 60  # the other side takes 120
    outside.turn("identity", "up")
    room.engine.retrigger(HANNA, number, "account", flow=True)
    room.wait(number, "completed")
    assert len(set(outside.keys("identity"))) == 1 and outside.effects == 3


def test_a_refused_connection_is_known_as_not_sent(database_url: str, outside: Outside, open_room: OpenRoom) -> None:
    """The service is gone while its kept-alive connection is still in our pool; then it comes back on its port."""
    first = Outside()
    room = open_room(database_url, {**outside.connections, "identity": f"{first.url}/identity"})
    room.publish(ONBOARDING)
    room.start()
    room.wait(room.submit("onboarding", ADA), "completed")
    first.stop()
    number = blocked_account(room)
    step = room.step(number, "account")
    assert {effect for _, _, effect in story(step)} == {"not_sent"} and len(step.attempts) == 3
    assert "connection refused" in (step.error or "")
    second = Outside(first.port)
    assert second.url == first.url
    room.engine.retrigger(HANNA, number, "account", flow=True, new_key=True, reason="not sent")  # so nothing is asked
    room.wait(number, "completed")
    second.stop()
    assert second.effects == len(second.calls()) == 1


def test_a_4xx_is_rejected_not_retried_and_mended_by_a_new_version(room: Room, outside: Outside) -> None:
    number = room.submit("onboarding", {"name": "Ada", "email": ""})
    room.wait(number, "blocked")
    step = room.step(number, "account")
    assert story(step) == [("initial", "failed", "rejected")]
    mended = ONBOARDING.replace('{email: "{{ request.input.email }}"', "{email: someone@example.com")
    version = room.publish(mended.replace('{to: "{{ request.input.email }}"}', "{to: someone@example.com}"))
    room.engine.retrigger(HANNA, number, "account", flow=True, version=version)  # rejected: no question asked
    document = room.wait(number, "completed")
    assert document.version == version
    assert [a.workflow_version for a in room.step(number, "account").attempts] == [1, version]
    assert len(set(outside.keys("identity"))) == 2 and outside.effects == 3


def test_every_attempt_is_kept_in_order(room: Room, outside: Outside) -> None:
    outside.turn("identity", "down", times=5)
    number = blocked_account(room)
    room.engine.retrigger(HANNA, number, "account", flow=True)
    room.wait(number, "completed")
    attempts = room.step(number, "account").attempts
    assert [attempt.number for attempt in attempts] == [1, 2, 3, 4, 5, 6]
    assert all(earlier.ended_at <= later.started_at for earlier, later in pairwise(attempts) if earlier.ended_at)
