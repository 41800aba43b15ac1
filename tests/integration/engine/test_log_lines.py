"""What the engine logs of a step shows no sensitive value, wherever it stands (SPEC 7)."""

from __future__ import annotations

import json
import logging

import pytest

from engine.logs.json_line import JsonLine
from engine.texts import MASK
from engine.values.masking import Masker
from tests.support.engine import Room
from tests.support.outside import Outside

NATIONAL_ID = "123-45-6789"
WORKFLOW = """
workflow: looking
app: HR
sensitive: [request.input.national_id]
nodes:
  find: {action: {connection: identity, method: GET, path: "/people/{{ request.input.national_id }}"}}
"""


def test_a_call_is_told_without_the_sensitive_value_in_its_path(
    sqlite_url: str, outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(sqlite_url, outside.connections)
    room.publish(WORKFLOW)
    room.start()
    caplog.set_level(logging.DEBUG, "engine")
    number = room.submit("looking", {"national_id": NATIONAL_ID})
    room.wait(number, "blocked")
    room.close()
    lines = [json.loads(JsonLine(Masker()).format(record)) for record in caplog.records]
    (call,) = [line for line in lines if line["event"] == "call.ended"]
    assert (call["request"], call["path"]) == (f"REQ-{number}", f"/people/{MASK}")
    assert {"attempt.started", "attempt.failed"} <= {line["event"] for line in lines}
    assert NATIONAL_ID not in json.dumps(lines)
