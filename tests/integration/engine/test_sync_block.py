"""Sync blocks through the whole engine, on both databases (SPEC 1, 2): one unit, re-run from its first step."""

from __future__ import annotations

import threading

import pytest

from engine.commands.documents import RequestDocument, StepDocument
from engine.errors import Refused
from engine.functions import function
from tests.integration.engine.conftest import OpenRoom, StartEngine
from tests.support.engine import HANNA, Room
from tests.support.outside import Outside
from tests.support.poll import wait_until

BLOCK = """
workflow: %s
app: HR
title: Block
nodes:
  block:
    sync:
      nodes:
        account: {action: {connection: identity, method: POST, path: /accounts, body: {email: "{{ request.id }}"}}}
        desk:
          action:
            connection: facilities
            method: POST
            path: /desks
            body: {account: "{{ nodes.account.result.id }}"}
            timeout: 60s
            retry: {times: %d, interval: 0.01s, backoff: 1}
%s
  send:
    action: {connection: mail, method: POST, path: /send, body: {to: "{{ nodes.desk.result.desk }}"}}
    next: end
%s
"""
FAILURE = """
  tell: {function: {name: blocks.echo, args: {value: "{{ nodes.block.error }}"}, isolation: thread}, next: end}
"""
SLOW = """
workflow: slow
app: HR
title: Slow
nodes:
  block:
    sync:
      nodes:
        hang: {function: {name: blocks.hang, timeout: 0.2s, isolation: thread}}
        never: {function: {name: blocks.echo, args: {value: 1}, isolation: thread}}
"""
_let_go = threading.Event()


@function("blocks.echo")
def echo(value: object) -> object:
    return value


@function("blocks.hang")
def hang() -> str:
    _let_go.wait(60)
    return "too late"


def definition(name: str, retries: int = 0, *, failure: bool = False) -> str:
    return BLOCK % (name, retries, "    on_failure: tell" if failure else "", FAILURE if failure else "")


def keys(step: StepDocument) -> set[str | None]:
    return {attempt.idempotency_key for attempt in step.attempts}


def story(step: StepDocument) -> list[str | None]:
    return [attempt.outcome and attempt.outcome.value for attempt in step.attempts]


def statuses(document: RequestDocument) -> dict[str, str]:
    return {step.node: step.status.value for step in document.steps}


@pytest.fixture
def database_url(engine_url: str) -> str:
    """Whatever runs the steps."""
    return engine_url


@pytest.fixture
def room(shared_room: Room, shared_outside: Outside) -> Room:
    for system in ("identity", "facilities", "mail"):
        shared_outside.turn(system, "up")
    return shared_room


def blocked(room: Room, outside: Outside, name: str = "blocked") -> int:
    """A request whose block was stopped by its second step."""
    outside.turn("facilities", "down")
    room.publish(definition(name))
    number = room.submit(name)
    room.wait(number, "blocked")
    outside.turn("facilities", "up")
    return number


def test_inner_steps_run_in_order_and_their_results_are_seen_inside_and_behind(room: Room) -> None:
    room.publish(definition("line"))
    number = room.submit("line")
    document = room.wait(number, "completed")
    account, desk = room.step(number, "account"), room.step(number, "desk")
    assert account.attempts[0].ended_at and account.attempts[0].ended_at <= desk.attempts[0].started_at
    assert (account.part_of, desk.part_of, room.step(number, "send").part_of) == ("block", "block", None)
    assert room.step(number, "block").result == desk.result
    assert room.step(number, "send").result["to"] == desk.result["desk"]
    assert [story(step) for step in document.steps[:3]] == [["succeeded"]] * 3


def test_a_retry_inside_runs_the_block_from_its_first_with_the_same_keys(room: Room, shared_outside: Outside) -> None:
    shared_outside.turn("facilities", "down", times=1)
    room.publish(definition("retried", 2))
    number = room.submit("retried")
    room.wait(number, "completed")
    account, desk = room.step(number, "account"), room.step(number, "desk")
    assert story(account) == ["succeeded", "succeeded"] and story(desk) == ["failed", "succeeded"]
    assert len(keys(account)) == len(keys(desk)) == 1


def test_a_failure_inside_blocks_the_block_and_the_re_trigger_is_of_the_unit(
    room: Room, shared_outside: Outside
) -> None:
    number = blocked(room, shared_outside)
    document = room.document(number)
    found = {"block": "blocked", "account": "completed", "desk": "failed", "send": "pending", "end": "pending"}
    assert statuses(document) == found and (document.reason or "").startswith("block: desk: facilities answered 503")
    for inner in ("account", "desk"):
        assert room.step(number, inner).actions == ()
        with pytest.raises(Refused, match=r"is a part of block, which is run as one\. Re-trigger block\."):
            room.engine.retrigger(HANNA, number, inner, flow=True)
        with pytest.raises(Refused, match="part of block"):
            room.engine.provide_input(HANNA, number, inner, "{}")
    with pytest.raises(Refused, match="of kind sync"):
        room.engine.provide_input(HANNA, number, "block", "{}")
    room.engine.retrigger(HANNA, number, "block", flow=True)
    room.wait(number, "completed")
    assert len(keys(room.step(number, "account"))) == 1 and len(room.step(number, "account").attempts) == 2


def test_a_failure_path_sees_the_error(room: Room, shared_outside: Outside) -> None:
    shared_outside.turn("facilities", "down")
    room.publish(definition("path", failure=True))
    number = room.submit("path")
    room.wait(number, "completed")
    assert room.step(number, "tell").result.startswith("desk: facilities answered 503")
    assert room.step(number, "block").status == "failed"


def test_re_triggered_alone_the_request_stays_blocked_while_it_runs(room: Room, shared_outside: Outside) -> None:
    number = blocked(room, shared_outside)
    shared_outside.turn("facilities", "slow", seconds=60)
    room.engine.retrigger(HANNA, number, "block")
    document = room.wait(number, lambda d: statuses(d)["desk"] == "running")
    assert document.status == "blocked"
    shared_outside.turn("facilities", "up")
    document = room.wait(number, lambda d: statuses(d)["block"] == "completed")
    assert document.status == "blocked" and room.step(number, "block").held
    room.engine.continue_flow(HANNA, number)
    room.wait(number, "completed")


def test_a_new_key_is_for_every_call_inside_and_needs_a_confirmation(room: Room, shared_outside: Outside) -> None:
    number = blocked(room, shared_outside)
    old = keys(room.step(number, "account"))
    with pytest.raises(Refused, match="may have taken effect"):
        room.engine.retrigger(HANNA, number, "block", flow=True, new_key=True, reason="again")
    room.engine.retrigger(HANNA, number, "block", flow=True, new_key=True, reason="again", confirmed=True)
    room.wait(number, "completed")
    assert len(keys(room.step(number, "account")) - old) == 1


def test_withdrawn_in_the_middle_nothing_inside_goes_on(room: Room, shared_outside: Outside) -> None:
    shared_outside.turn("facilities", "slow", seconds=60)
    room.publish(definition("withdrawn"))
    number = room.submit("withdrawn")
    room.wait(number, lambda d: statuses(d)["desk"] == "running")
    assert room.store.mend() == 0  # that it has no worker of its own is no damage
    room.engine.withdraw(HANNA, number, reason="no longer needed")
    shared_outside.turn("facilities", "up")
    room.wait(number, lambda d: any(event.kind == "late_result" and event.node == "desk" for event in d.events))
    assert room.document(number).status == "withdrawn" and story(room.step(number, "desk")) == ["cancelled"]
    assert room.step(number, "send").attempts == ()


def test_a_function_that_passes_its_limit_fails_the_block_and_its_late_result_is_evidence(room: Room) -> None:
    _let_go.clear()
    room.publish(SLOW)
    number = room.submit("slow")
    document = room.wait(number, "blocked")
    assert document.reason == "block: hang: blocks.hang took longer than 0.2 s."
    assert room.step(number, "hang").error == "blocks.hang took longer than 0.2 s."
    assert statuses(document) == {"block": "blocked", "hang": "failed", "never": "pending", "end": "pending"}
    _let_go.set()
    room.wait(number, lambda d: any(event.kind == "late_result" and event.node == "hang" for event in d.events))
    assert room.step(number, "hang").attempts[0].late and room.step(number, "never").attempts == ()


@pytest.mark.parametrize("kill", [True, False])
def test_an_engine_that_ends_in_the_middle_costs_no_effect_and_no_key(
    database_url: str, outside: Outside, open_room: OpenRoom, start_engine: StartEngine, kill: bool
) -> None:
    room = open_room(database_url, outside.connections)
    room.publish(definition("cut"))
    outside.turn("facilities", "slow", seconds=60)
    first = start_engine(database_url, outside.connections, lease=1.0, grace=0.1)
    number = room.submit("cut")
    outside.wait_for_calls(1, "facilities")
    if kill:
        first.kill()
    else:
        assert first.stop() == 0
    outside.turn("facilities", "up")
    start_engine(database_url, outside.connections, lease=1.0)
    room.wait(number, "completed")
    account, desk = room.step(number, "account"), room.step(number, "desk")
    assert story(desk) == ["lost" if kill else "returned", "succeeded"] and len(account.attempts) == 2
    assert len(keys(account)) == len(keys(desk)) == 1
    assert room.step(number, "block").recoveries == (1 if kill else 0)
    wait_until(lambda: outside.effects >= 3, "every effect")
