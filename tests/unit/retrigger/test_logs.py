from __future__ import annotations

import logging
from typing import Any

import pytest

from engine.masking import Masker
from retrigger.logs import OneLine


@pytest.fixture
def formatter() -> OneLine:
    return OneLine(Masker({"hunter22"}))


def record(message: str, *args: object, **facts: Any) -> logging.LogRecord:
    return logging.LogRecord("engine.x", logging.ERROR, "x.py", 1, message, args, facts.get("exc_info"))


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
    assert "hunter22" not in formatter.format(record("token=%s", "hunter22"))
