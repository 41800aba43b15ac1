from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest

from engine.logs import bound, joined, logger
from engine.logs.json_line import JsonLine
from engine.texts import MASK
from engine.values.masking import Masker
from retrigger.logs import OneLine

SECRET = "hunter22"


@pytest.fixture
def formatter() -> OneLine:
    return OneLine(Masker({SECRET}))


def record(message: str, *args: object, **facts: Any) -> logging.LogRecord:
    return logging.LogRecord("engine.x", logging.ERROR, "x.py", 1, message, args, facts.get("exc_info"))


def logged(caplog: pytest.LogCaptureFixture, event: str, **fields: Any) -> logging.LogRecord:
    """The record of one line of ours."""
    logger("engine.x").warning(event, **fields)
    return caplog.records[-1]


def as_json(record: logging.LogRecord) -> dict[str, Any]:
    text = JsonLine(Masker({SECRET}), joined).format(record)
    assert "\n" not in text and SECRET not in text and text.isascii()
    told: dict[str, Any] = json.loads(text)
    return told


def test_a_record_is_one_line_whatever_is_in_it(formatter: OneLine):
    line = formatter.format(record("first %s", "second\r\nthird \x1b[31mred"))

    assert line.endswith("ERROR   engine.x: first second | third  [31mred")


def test_a_traceback_is_folded_into_its_record(formatter: OneLine):
    try:
        raise ValueError("it broke\nbadly")
    except ValueError as error:
        line = formatter.format(record("a defect", exc_info=(type(error), error, error.__traceback__)))

    assert "\n" not in line
    assert "a defect | Traceback (most recent call last): | " in line
    assert line.endswith("ValueError: it broke | badly")


def test_secrets_are_masked(formatter: OneLine):
    assert SECRET not in formatter.format(record("token=%s", SECRET))


def test_a_line_has_its_name_its_sentence_and_its_fields(formatter: OneLine, caplog: pytest.LogCaptureFixture):
    one = logged(caplog, "call.ended", says="It was slow.", ms=12.5, path="/a b", request="REQ-1", status=None)

    assert formatter.format(one).endswith(
        'WARNING engine.x: call.ended: It was slow. ms=12.5 path="/a b" request=REQ-1'
    )
    told = as_json(one)
    assert told.pop("at").endswith("Z")
    assert told == {
        "level": "warning",
        "logger": "engine.x",
        "event": "call.ended",
        "says": "It was slow.",
        "ms": 12.5,
        "path": "/a b",
        "request": "REQ-1",
    }


def test_what_is_bound_is_in_every_line_until_it_is_left(caplog: pytest.LogCaptureFixture):
    with bound(click="V1", step=None), bound(request="REQ-1"):
        inside = as_json(logged(caplog, "a.b"))
    outside = as_json(logged(caplog, "a.b"))

    assert (inside["click"], inside["request"]) == ("V1", "REQ-1")
    assert not {"click", "request", "step"} & (outside.keys() | {"step"} & inside.keys())


@pytest.mark.parametrize(
    "fields",
    [
        {"says": f"token={SECRET}"},
        {"path": f"/a/{SECRET}/b"},
        {"nested": {"deep": [SECRET, {SECRET: 1}]}},
        {"object": ValueError(SECRET)},
        {"bytes": SECRET.encode()},
    ],
)
def test_no_field_of_a_json_line_shows_a_secret(fields: dict[str, Any], caplog: pytest.LogCaptureFixture):
    assert MASK in json.dumps(as_json(logged(caplog, "a.b", **fields)), ensure_ascii=False)


def test_a_json_line_shows_no_secret_of_a_traceback(caplog: pytest.LogCaptureFixture):
    try:
        raise ValueError(f"it broke\nwith {SECRET}")
    except ValueError:
        told = as_json(logged(caplog, "a.defect", exc_info=True))

    assert "Traceback (most recent call last)" in told["traceback"]
    assert f"with {MASK}" in told["traceback"]


def test_what_a_library_says_is_json_too_with_what_is_bound():
    with bound(trace="T1"):
        told = as_json(record("token=%s", SECRET, exc_info=_raised()))

    assert (told["event"], told["says"], told["trace"]) == ("library.says", f"token={MASK}", "T1")
    assert "KeyError" in told["traceback"]


def _raised() -> Any:
    try:
        raise KeyError(SECRET)
    except KeyError:
        return sys.exc_info()
