"""Workflows of functions and decisions, through the whole engine, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from engine.errors import InvalidInput, KeyReused
from engine.functions import function
from engine.texts import MASK
from tests.support.engine import HANNA, Room

LINE = """
workflow: line
app: HR
title: "Line {{ request.input.name }}"
nodes:
  one: {function: {name: test.echo, args: {value: "{{ request.input.value }}"}, isolation: thread}}
  two: {function: {name: test.double, args: {value: "{{ nodes.one.result }}"}, isolation: thread}}
  route:
    decision:
      - {when: "{{ nodes.two.result > 10 }}", next: big}
      - {default: small}
  big: {function: {name: test.echo, args: {value: big}, isolation: thread}, next: end}
  small: {function: {name: test.flaky, isolation: thread}, next: end}
"""

SLOW = """
workflow: slow
app: HR
nodes:
  wait: {function: {name: test.wait, timeout: 0.2s, isolation: thread}, next: end}
"""

HIDING = """
workflow: hiding
app: HR
sensitive: [nodes.make.result.password]
nodes:
  make: {function: {name: test.echo, args: {value: {password: "k1tten-on-a-keyboard"}}, isolation: thread}}
  log_in: {function: {name: test.complain, isolation: thread}}
"""

_let_go = threading.Event()
_flaky: dict[str, bool] = {"works": False}


@function("test.echo")
def echo(value: Any) -> Any:
    return value


@function("test.double")
def double(value: int) -> int:
    return 2 * value


@function("test.flaky")
def flaky() -> str:
    if not _flaky["works"]:
        raise RuntimeError("not today")
    return "ok"


@function("test.wait")
def wait() -> str:
    _let_go.wait(60)
    return "too late"


@function("test.complain")
def complain() -> str:
    raise RuntimeError("k1tten-on-a-keyboard was not taken")


@pytest.fixture
def room(database_url: str) -> Iterator[Room]:
    room = Room(database_url)
    room.publish(LINE)
    _flaky["works"] = False
    yield room
    room.close()


def test_completes_and_keeps_the_types_of_values(room: Room) -> None:
    room.start()
    document = room.wait(room.submit("line", {"name": "Ada", "value": 21}), "completed")
    assert document.title == "Line Ada"
    results = {step.node: step.result for step in document.steps}
    assert results == {"one": 21, "two": 42, "route": {"path": "big"}, "big": "big", "small": None, "end": None}
    statuses = {step.node: step.status.value for step in document.steps}
    assert statuses["small"] == "skipped"
    assert [len(step.attempts) for step in document.steps] == [1, 1, 1, 1, 0, 0]


def test_a_failure_blocks_and_step_and_flow_completes(room: Room) -> None:
    room.start()
    number = room.submit("line", {"name": "Bo", "value": 1})
    document = room.wait(number, "blocked")
    assert document.reason == "small: test.flaky failed: RuntimeError: not today"
    assert room.step(number, "small").actions == ("retrigger", "flow", "input")
    _flaky["works"] = True
    room.engine.retrigger(HANNA, number, "small", flow=True, reason="mended")
    document = room.wait(number, "completed")
    attempts = room.step(number, "small").attempts
    assert [(a.kind.value, a.by) for a in attempts] == [("initial", None), ("retrigger", "Hanna Lead")]


def test_an_attempt_says_when_the_person_acted_however_late_it_starts(room: Room) -> None:
    worker = room.start()
    number = room.submit("line", {"name": "Bo", "value": 1})
    room.wait(number, "blocked")
    worker.stop()
    _flaky["works"] = True
    room.engine.retrigger(HANNA, number, "small", flow=True)
    room.start()
    document = room.wait(number, "completed")
    acted = next(event.at for event in document.events if event.kind == "retriggered_flow")
    first, second = room.step(number, "small").attempts
    assert (first.acted_at, second.acted_at) == (None, acted) and acted < second.started_at


def test_an_undefined_value_blocks_and_is_named(room: Room) -> None:
    room.start()
    document = room.wait(room.submit("line", {"name": "Cy"}), "blocked")
    assert "request.input.value is not defined" in (document.reason or "")


def test_a_stopped_worker_gives_back_and_another_goes_on(room: Room) -> None:
    number = room.submit("line", {"name": "Di", "value": 30})
    worker = room.start()
    worker.stop()
    room.start()
    assert room.wait(number, "completed").steps[0].recoveries == 0


def test_the_same_key_submits_once(room: Room) -> None:
    first = room.submit("line", {"name": "Ed", "value": 1}, key="k1")
    assert room.submit("line", {"name": "Ed", "value": 1}, key="k1") == first
    assert room.submit("line", {"value": 1, "name": "Ed"}, key="k1") == first
    for other in (True, 1.5, "1"):
        with pytest.raises(KeyReused):
            room.submit("line", {"name": "Ed", "value": other}, key="k1")
    assert room.submit("line", {"name": "Ed", "value": 1}) != first


def test_a_function_that_passes_its_limit_is_given_up_and_what_it_returns_is_evidence(room: Room) -> None:
    room.publish(SLOW)
    _let_go.clear()
    room.start(slots=1)
    number = room.submit("slow")
    document = room.wait(number, "blocked")
    assert document.reason == "wait: test.wait took longer than 0.2 s."
    other = room.submit("line", {"name": "Fe", "value": 30})  # the one slot is free again
    room.wait(other, "completed")
    _let_go.set()
    document = room.wait(number, lambda d: any(e.kind == "late_result" for e in d.events))
    assert (document.status, document.steps[0].status) == ("blocked", "blocked")
    assert "succeeded" in (document.steps[0].attempts[0].late or "")


def test_a_key_that_made_another_request_is_refused(room: Room) -> None:
    number = room.submit("line", {"name": "Gil", "value": 1}, key="k9")
    for input, facts in (({"name": "Hal", "value": 1}, {}), ({"name": "Gil", "value": 1}, {"requester": "hal"})):
        with pytest.raises(KeyReused, match=f"k9 was used for something else before, in REQ-{number}"):
            room.submit("line", input, key="k9", **facts)
    assert room.submit("line", {"name": "Gil", "value": 1}, key="k9") == number


def test_a_repeated_submit_is_answered_even_if_the_workflow_would_not_take_it_any_more(room: Room) -> None:
    number = room.submit("line", {"name": "Gil", "value": 1}, key="k9")
    room.publish(LINE.replace("nodes:", "input_schema: {type: object, required: [birthday]}\nnodes:"))
    assert room.submit("line", {"name": "Gil", "value": 1}, key="k9") == number
    with pytest.raises(InvalidInput, match="birthday"):
        room.submit("line", {"name": "Gil", "value": 1}, key="k10")


@pytest.mark.parametrize("name", ["a\nb", "x\x1b[31m", " ", "y" * 300])
def test_a_requester_is_one_printable_line(room: Room, name: str) -> None:
    with pytest.raises(InvalidInput, match="on one line"):
        room.submit("line", {"name": "Ida", "value": 1}, requester=name)


def test_a_workflow_may_begin_with_a_branch(room: Room) -> None:
    branch = "workflow: fork\napp: HR\nnodes:\n  fork: {branch: [one, two]}\n"
    steps = [
        f"  {name}: {{function: {{name: test.echo, args: {{value: {name}}}, isolation: thread}}, next: end}}"
        for name in ("one", "two")
    ]
    room.publish(branch + "\n".join(steps))
    room.start()
    document = room.wait(room.submit("fork"), "completed")
    assert {step.node: step.status.value for step in document.steps} == dict.fromkeys(
        ("fork", "one", "two", "end"), "completed"
    )


def test_what_another_step_hides_is_not_stored_in_the_error_of_one_that_names_nothing_of_it(room: Room) -> None:
    room.publish(HIDING)
    room.start()
    number = room.submit("hiding", {})
    room.wait(number, "blocked")
    request, steps = room.store.status(number)
    (error,) = [step.error for step in steps if step.node == "log_in"]
    assert error is not None and error.endswith(f"RuntimeError: {MASK} was not taken")
    assert "k1tten" not in (request.reason or "")
