"""Each call has an id, which its answer and its log lines carry (docs/operating.md, Logs)."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import httpx
import pytest

from engine.logs.json_line import JsonLine
from engine.values.masking import Masker
from tests.support.api import Api
from tests.support.poll import wait_until


def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    lines = [json.loads(JsonLine(Masker()).format(record)) for record in caplog.records]
    return [line for line in lines if "trace" in line]


@pytest.mark.parametrize("database_url", ["sqlite:///retrigger.db"])
def test_a_call_has_an_id_that_its_answer_and_its_lines_carry(
    api: Api, ci: httpx.Client, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    body = {"input": {"name": "Ada"}}
    made = ci.post("/v1/workflows/steps/requests", json=body, headers={"X-Request-Id": "trace-7"})
    api.front.wait("REQ-1", "completed")
    refused = ci.post("/v1/requests/1/continue", headers={"X-Request-Id": "two words"})
    ci.get("/healthz")
    ci.post("/callbacks/a-secret-token", json={})
    wait_until(lambda: len(told(caplog)) >= 5, "the lines")

    own = refused.headers["x-request-id"]
    assert made.headers["x-request-id"] == "trace-7" and re.fullmatch("[0-9a-f]{32}", own)
    names = ("event", "trace", "request", "route", "status")
    lines = [{name: line.get(name) for name in names} for line in told(caplog)]
    assert [tuple(line.values()) for line in lines[:4]] == [
        ("request.submitted", "trace-7", "REQ-1", None, None),
        ("api.answered", "trace-7", None, "/v1/workflows/{name}/requests", 201),
        ("act.not_done", own, "REQ-1", None, None),
        ("api.answered", own, "REQ-1", "/v1/requests/{id}/continue", 409),
    ]
    assert [line["route"] for line in lines[4:]] == ["/callbacks/{token}"]
    assert "a-secret-token" not in json.dumps(told(caplog))
    assert told(caplog)[1]["actor"] == told(caplog)[2]["actor"] == "key:ci"
