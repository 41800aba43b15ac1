"""Inputs that nobody sends who means well: each is stored and shown as it came, or refused with a sentence; soon."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from engine.definition import load
from engine.errors import InvalidInput, NotFound, RetriggerError
from engine.limits import MAX_DEFINITION_NODES, MAX_INPUT_BYTES, MAX_KEY_CHARS, MAX_RENDERED_CHARS, MAX_RESPONSE_BYTES
from engine.rules.permissions import Grant, Permission
from engine.states import RequestStatus
from storage.tables import HIGHEST_ID
from tests.support import hard_functions  # noqa: F401  # it registers them
from tests.support.engine import HANNA, Room
from tests.support.poll import wait_until

SOON = 10.0  # seconds of this process's own work; most need some hundredths
MANY = 1_000_000
LONG = (pytest.mark.slow, pytest.mark.timeout(900))
WORKFLOW = """
workflow: hard
app: HR
input_schema: {properties: {list: {items: {type: string}, uniqueItems: true}}}
sensitive: [request.input.secret]
nodes:
  make: {function: {name: hard.letters, args: {number: "{{ request.input.number }}"}, isolation: thread}}
  read: {function: {name: hard.length, args: {text: "{{ request.input.text }}"}, isolation: thread}}
"""


@pytest.fixture
def room(database_url: str) -> Iterator[Room]:
    room = Room(database_url)
    room.publish(WORKFLOW)
    yield room
    room.close()


@contextmanager
def soon(about: str) -> Iterator[None]:
    begin = time.process_time()
    yield
    took = time.process_time() - begin
    print(f"{took:.3f} s: {about}")  # noqa: T201  # with -s, the figures
    assert took < SOON, about


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


TAKEN: dict[str, Any] = {
    "a million characters": {"text": "x" * MANY},
    "as large as can be": {"text": "x" * (MAX_INPUT_BYTES - len('{"text":""}'))},
    "a million characters to be masked": {"secret": "x" * MANY},
    "a list of half a million": {"n": [0] * 500_000},
    "an object of many keys": {str(number): number for number in range(60_000)},
    "as deep as can be": {"n": nested(99)},
    "NUL bytes": {"n\0": "\0a\0"},
    "halves of surrogate pairs": {"\udfff": "\ud800", "n": "\ude00\ud83d"},
    "what is not in the basic plane": {"😀": "🏴\U0010ffff"},
}


def test_inputs_are_kept_as_they_came(room: Room):
    for name, input in TAKEN.items():
        with soon(name):
            document = room.document(room.submit("hard", input, key=name))
            assert room.submit("hard", input, key=name) == int(document.id[4:])
        assert document.input == ({"secret": "•••"} if "secret" in input else input), name


REFUSED: dict[str, Any] = {
    "a byte too large": {"text": "x" * (MAX_INPUT_BYTES - len('{"text":""}') + 1)},
    "large when it is written": {"text": "\0" * (MAX_INPUT_BYTES // 5)},
    "deeper than can be": {"n": nested(100)},
    "far deeper": {"n": nested(100_000)},
    "a number of too many digits": {"n": 10**5000},
    "no number": {"n": float("nan")},
    "no JSON": {"n": b"\xff"},
    "many that do not fit": {"list": [0] * 300_000},
    "a late twin": {"list": [*map(str, range(100_000)), "0"]},
}


def test_inputs_are_refused_soon_and_leave_nothing(room: Room):
    for name, input in REFUSED.items():
        with soon(name), pytest.raises(InvalidInput) as refusal:
            room.submit("hard", input)
        assert len(str(refusal.value)) < 500, name
    assert room.engine.documents(HANNA) == []


TEXTS = ["", "\0", "a\0b", "\ud800", "a\nb", "x" * (MAX_KEY_CHARS + 1), "x" * MANY]


def refused(kind: type[RetriggerError], act: Callable[..., object], *values: Any, **facts: Any) -> None:
    about = ascii((values, facts))[-60:]
    with soon(about), pytest.raises(kind) as refusal:
        act(*values, **facts)
    assert len(str(refusal.value)) < 500, about


def test_keys_and_people_and_applications_are_short_lines(room: Room):
    number = room.submit("hard")
    for text in TEXTS:
        refused(InvalidInput, room.submit, "hard", key=text)
        refused(InvalidInput, room.engine.withdraw, HANNA, number, reason="No.", command_id=text)
        refused(InvalidInput, room.submit, "hard", requester=text or "\0")
        refused(InvalidInput, room.engine.grant, HANNA, Grant(text, Permission.SUBMIT))
        refused(InvalidInput, room.engine.grant, HANNA, Grant("ada@example.com", Permission.SUBMIT, text or "\0"))


def test_what_no_name_can_be_names_nothing(room: Room):
    number = room.submit("hard")
    for text in TEXTS:
        refused(NotFound, room.submit, text)
        refused(NotFound, room.engine.retrigger, HANNA, number, text)
        refused(NotFound, room.engine.provide_input, HANNA, number, text, "{}")
        refused(NotFound, room.engine.input_draft, HANNA, number, text)
        assert room.engine.documents(HANNA, app=text) == []
        assert room.store.submitted("hard", text) is None
        assert room.store.command(text) is None


def test_no_number_is_too_large_to_be_asked_for(room: Room):
    room.submit("hard")
    for number in (-1, 0, HIGHEST_ID, HIGHEST_ID + 1, 10**30):
        refused(NotFound, room.document, number)
        refused(NotFound, room.engine.withdraw, HANNA, number, reason="No.")
        refused(NotFound, room.engine.retrigger, HANNA, number, "make")
        refused(NotFound, room.store.history, number)
        assert len(room.engine.documents(HANNA, after=number)) == (number > 0)
        assert len(room.engine.documents(HANNA, after=number, oldest_first=True)) == (number <= 0)
        assert len(room.engine.documents(HANNA, limit=number)) == (number > 0)


def test_results_and_templates_are_taken_up_to_their_limits(room: Room):
    room.start()
    quotes = len('""')

    def run(number: int, chars: int) -> list[str | None]:
        request = room.submit("hard", {"number": number, "text": "x" * chars})
        return [step.error for step in room.wait(request, lambda d: d.status is not RequestStatus.IN_PROGRESS).steps]

    with soon("results and templates as large as can be, and a byte larger"):
        assert run(MAX_RESPONSE_BYTES - quotes, MAX_RENDERED_CHARS) == [None, None, None]
        too_large = (
            f"hard.letters gave a result of {MAX_RESPONSE_BYTES + 1:,} bytes; the limit is {MAX_RESPONSE_BYTES:,}."
        )
        assert run(MAX_RESPONSE_BYTES - quotes + 1, 0) == [too_large, None, None]
        too_long = f"more than {MAX_RENDERED_CHARS:,} characters (in args.text)"
        assert run(1, MAX_RENDERED_CHARS + 1)[1] == f"read cannot be rendered: the template gives {too_long}"
    assert room.step(1, "make").result == "x" * (MAX_RESPONSE_BYTES - quotes)


def test_a_provided_result_of_a_mebibyte_is_taken(room: Room):
    room.start()
    request = room.submit("hard", {"number": MAX_RESPONSE_BYTES, "text": ""})
    room.wait(request, "blocked")
    with soon("results by hand as large as can be, and wild ones"):
        for text in ("[" * MANY, '"' + "x" * MAX_INPUT_BYTES + '"', '"' * MANY, "9" * MANY, '"\0"', "\ud800"):
            with pytest.raises(RetriggerError) as refusal:
                room.engine.provide_input(HANNA, request, "make", text)
            assert len(str(refusal.value)) < 500
        room.engine.provide_input(HANNA, request, "make", json.dumps("x" * (MAX_INPUT_BYTES - 2)))
    assert room.wait(request, "completed").step("make") is not None


def long_workflow(nodes: int) -> str:
    """``nodes`` with the implicit end."""
    lines = [f"  n{number}: {{function: {{name: hard.nothing, isolation: thread}}}}" for number in range(nodes - 1)]
    return "\n".join(["workflow: long", "app: HR", "nodes:", *lines])


@pytest.mark.parametrize("nodes", [200, pytest.param(MAX_DEFINITION_NODES + 1, marks=LONG)])
def test_a_long_workflow_runs_to_its_end(room: Room, nodes: int):
    room.publish(long_workflow(nodes))
    room.start()
    request = room.submit("long")
    done = RequestStatus.COMPLETED
    wait_until(lambda: room.store.counts()[done], "the end", seconds=nodes * 0.2)  # to show it costs more than a step
    with soon(f"the document of a request of {nodes} nodes"):
        assert len(room.document(request).steps) == nodes


def test_ten_thousand_nodes_are_refused():
    with (
        soon("a definition of 10,000 nodes"),
        pytest.raises(RetriggerError, match="has 9,999 nodes; split the workflow, 2,000 are the most"),
    ):
        load(long_workflow(10_000), "long.yaml")
