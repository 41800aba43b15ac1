"""Callbacks through the whole engine, on both databases (SPEC 1, 2): addresses, early and second calls, time-outs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.callbacks import Callbacks
from engine.catalog import Catalog, Published
from engine.commands.documents import RequestDocument
from engine.errors import CallbackRefused, InvalidInput, NotFound
from engine.functions import function
from engine.texts import MASK
from tests.integration.engine.conftest import OpenRoom
from tests.support.engine import HANNA, PUBLIC_URL, Room
from tests.support.poll import wait_until

CALLBACK = """
workflow: %s
app: HR
title: Callback
nodes:
  ask: {function: {name: callbacks.ask, args: {url: "{{ callback_url('wait') }}"}, isolation: thread}}
  wait: {callback: {%s}, result_schema: {type: object, required: [ok]}, next: after%s}
  after: {function: {name: callbacks.echo, args: {value: "{{ nodes.wait.result }}"}, isolation: thread}, next: end}
  late: {function: {name: callbacks.echo, args: {value: "{{ nodes.wait.error }}"}, isolation: thread}, next: end}
"""
_given: list[str] = []  # the addresses that the first step got
_asks = {"works": True}


class Meanwhile(Catalog):
    """The catalog of a room. Once, when it is asked, something happens meanwhile."""

    def __init__(self, room: Room, happens: Callable[[], object]) -> None:
        super().__init__(room.store.workflow)
        self._happens = [happens]

    def get(self, name: str, version: int | None = None) -> Published:
        while self._happens:
            self._happens.pop()()
        return super().get(name, version)


@function("callbacks.ask")
def ask(url: str) -> None:
    _given.append(url)
    if not _asks["works"]:
        raise RuntimeError(f"nobody at {url}")


@function("callbacks.off")
def off() -> None:
    raise RuntimeError("off")


@function("callbacks.echo")
def echo(value: object) -> object:
    return value


@pytest.fixture(autouse=True)
def a_fresh_outside() -> None:
    _given.clear()
    _asks["works"] = True


@pytest.fixture
def room(shared_room: Room) -> Room:
    return shared_room


def definition(name: str, timeout: str = "", *, failure: bool = False) -> str:
    text = CALLBACK % (name, f"timeout: {timeout}" if timeout else "", ", on_failure: late" if failure else "")
    return text if failure else text[: text.index("  late:")]


def waits(document: RequestDocument) -> bool:
    step = document.step("wait")
    return step is not None and step.status.value == "waiting"


def waiting(room: Room, name: str, timeout: str = "") -> tuple[int, str]:
    """A request that waits for a call, and the token of its address."""
    room.publish(definition(name, timeout))
    number = room.submit(name)
    room.wait(number, waits)
    return number, token(_given[-1])


def token(url: str) -> str:
    assert url.startswith(f"{PUBLIC_URL}/callbacks/")
    return url.rpartition("/")[2]


def test_what_the_caller_sends_is_the_result(room: Room) -> None:
    number, address = waiting(room, "called")
    room.engine.call_back(address, '{"ok": 1}')
    room.wait(number, "completed")
    assert room.step(number, "after").result == {"ok": 1}
    with pytest.raises(CallbackRefused):
        room.engine.call_back(address, '{"ok": 2}')
    assert room.step(number, "wait").result == {"ok": 1}


def test_a_caller_may_say_what_looks_like_a_mask(room: Room) -> None:
    number, address = waiting(room, "called")
    room.engine.call_back(address, f'{{"ok": "{MASK} of 5"}}')
    room.wait(number, "completed")
    assert room.step(number, "after").result == {"ok": f"{MASK} of 5"}


def test_a_result_is_checked_by_the_version_that_the_request_is_on_when_it_is_stored(
    sqlite_url: str, open_room: OpenRoom
) -> None:
    """A re-trigger may name another one while it is being checked by that of before."""
    room = open_room(sqlite_url)
    other = "other: {function: {name: callbacks.off, isolation: thread}, next: end}"
    old = definition("moved").replace("nodes:\n", f"nodes:\n  both: {{branch: [ask, other]}}\n  {other}\n")
    new = old.replace("required: [ok]", "required: [sure]")
    room.publish(old)
    room.start()
    number = room.submit("moved")
    room.wait(number, lambda d: waits(d) and d.status.value == "blocked")
    version = room.publish(new)
    room.engine.catalog = Meanwhile(room, lambda: room.engine.retrigger(HANNA, number, "other", version=version))
    with pytest.raises(InvalidInput, match="'sure' is a required property"):
        room.engine.call_back(token(_given[-1]), '{"ok": 1}')
    assert room.document(number).version == 2


def test_a_call_that_does_not_fit_changes_nothing(room: Room) -> None:
    number, address = waiting(room, "called")
    for text in ("{}", "{", '{"ok": NaN}'):
        with pytest.raises(InvalidInput):
            room.engine.call_back(address, text)
    assert waits(room.document(number))
    room.engine.call_back(address, '{"ok": 1}')
    room.wait(number, "completed")


def test_an_address_that_was_never_given_out_is_not_found(room: Room) -> None:
    number, address = waiting(room, "called")
    for wrong in (address[:-1] + ("A" if address[-1] != "A" else "B"), address.replace(".wait.", ".after."), "x"):
        with pytest.raises(NotFound):
            room.engine.call_back(wrong, '{"ok": 1}')
    assert waits(room.document(number))


def test_an_early_call_is_kept_over_a_re_trigger_of_the_step_before(room: Room) -> None:
    _asks["works"] = False
    room.publish(definition("early"))
    number = room.submit("early")
    room.wait(number, "blocked")
    room.engine.call_back(token(_given[-1]), '{"ok": 1}')
    with pytest.raises(CallbackRefused, match="called already"):
        room.engine.call_back(token(_given[-1]), '{"ok": 2}')
    _asks["works"] = True
    room.engine.retrigger(HANNA, number, "ask", flow=True)
    room.wait(number, "completed")
    assert room.step(number, "after").result == {"ok": 1} and len(set(_given)) == 1


def test_the_address_that_is_out_is_good_still_when_a_step_that_did_not_give_it_out_takes_the_callback_back(
    room: Room,
) -> None:
    """Nobody would know another: whoever was called would be refused, and the request would wait for ever."""
    off = "off: {function: {name: callbacks.off, isolation: thread}, on_failure: tell, next: wait}"
    tell = "tell: {function: {name: callbacks.echo, args: {value: 1}, isolation: thread}, next: wait}"
    room.publish(definition("apart").replace("  wait:", f"  {off}\n  {tell}\n  wait:"))
    number = room.submit("apart")
    room.wait(number, waits)
    room.engine.retrigger(HANNA, number, "off", flow=True)
    room.wait(number, lambda d: waits(d) and len(room.step(number, "wait").attempts) == 2)
    assert room.engine.callback_url(HANNA, number, "wait") == _given[-1] and len(_given) == 1
    room.engine.call_back(token(_given[-1]), '{"ok": 1}')
    room.wait(number, "completed")
    assert [attempt.visit for attempt in room.step(number, "wait").attempts] == [1, 2]


def test_the_address_is_masked_in_errors(room: Room) -> None:
    _asks["works"] = False
    room.publish(definition("early"))
    number = room.submit("early")
    document = room.wait(number, "blocked")
    assert "nobody at" in (room.step(number, "ask").error or "")
    assert token(_given[-1]) not in document.model_dump_json()


def test_re_triggered_with_flow_the_old_address_is_void(room: Room) -> None:
    number, old = waiting(room, "called")
    room.engine.retrigger(HANNA, number, "wait", flow=True)
    room.wait(number, lambda d: waits(d) and len(room.step(number, "wait").attempts) == 2)
    with pytest.raises(CallbackRefused, match="another address"):
        room.engine.call_back(old, '{"ok": 1}')
    new = room.engine.callback_url(HANNA, number, "wait")
    assert new is not None
    room.engine.call_back(token(new), '{"ok": 2}')
    room.wait(number, "completed")


def test_re_triggered_alone_it_is_held_until_continue_flow(room: Room) -> None:
    number, _ = waiting(room, "called")
    room.engine.retrigger(HANNA, number, "wait")
    room.wait(number, lambda d: waits(d) and len(room.step(number, "wait").attempts) == 2)
    room.engine.call_back(token(room.engine.callback_url(HANNA, number, "wait") or ""), '{"ok": 1}')
    assert room.step(number, "wait").held and "continue" in room.document(number).actions
    room.engine.continue_flow(HANNA, number)
    room.wait(number, "completed")


def test_a_time_out_blocks_or_takes_the_failure_path(room: Room) -> None:
    number, address = waiting(room, "short", "1h")
    room.end_waits(number)
    assert room.wait(number, "blocked").reason == "wait: Nobody called back in time."
    with pytest.raises(CallbackRefused, match="it is blocked"):
        room.engine.call_back(address, '{"ok": 1}')
    room.publish(definition("path", "0.3s", failure=True))
    number = room.submit("path")
    room.wait(number, "completed")
    assert room.step(number, "late").result == "Nobody called back in time."


def test_a_request_that_was_withdrawn_takes_no_call(room: Room) -> None:
    number, address = waiting(room, "called")
    room.engine.withdraw(HANNA, number, reason="no longer needed")
    with pytest.raises(CallbackRefused, match="is Withdrawn"):
        room.engine.call_back(address, '{"ok": 1}')
    assert [a.outcome and a.outcome.value for a in room.step(number, "wait").attempts] == ["cancelled"]


def test_without_a_public_url_the_step_is_blocked_with_a_sentence(sqlite_url: str, open_room: OpenRoom) -> None:
    room = open_room(sqlite_url)
    room.callbacks = Callbacks(None, room.store.installation_secret)
    room.publish(definition("called"))
    room.start()
    number = room.submit("called")
    room.wait(number, "blocked")
    assert "callback_url needs the setting api.public_url" in (room.step(number, "ask").error or "")
    wait_until(lambda: not room.store.measures().running, "the worker to be idle")
