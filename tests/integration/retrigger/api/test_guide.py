"""docs/api.md: its examples are carried out, and its tables compared with the code."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from retrigger.api.app import THREADS
from retrigger.api.metrics import OUTCOMES
from retrigger.api.problems import KINDS
from retrigger.api.requests import MAX_PAGE
from tests.support.api import serve_api
from tests.support.docs import ROOT, rows, words
from tests.support.front import Front
from tests.support.poll import PATIENCE

GUIDE = (ROOT / "docs" / "api.md").read_text("utf-8")
# The README's, with steps that a test can break.
ONBOARDING = """
workflow: onboarding
app: HR
title: "Onboard {{ request.input.name }}"
nodes:
  create_account: {function: {name: front.work, args: {folder: FOLDER}, isolation: thread}}
  welcome: {function: {name: front.work, args: {folder: FOLDER}, isolation: thread}}
"""
_EXAMPLE = re.compile(r"```sh\n(curl .*?)```\n\n```json\n(.*?)```", re.DOTALL)


def curl(line: str, environment: Mapping[str, str]) -> httpx.Response:
    """What a person sees who types this line."""
    text = re.sub(r"\$(\w+)", lambda found: environment[found[1]], line.replace("\\\n", " "))
    words = shlex.split(text)[1:]
    headers: dict[str, str] = {}
    body = url = None
    while words:
        word = words.pop(0)
        if word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = words.pop(0)
        else:
            url = word
    assert url is not None
    return httpx.request(
        "GET" if body is None else "POST", url, content=body, headers=headers, trust_env=False, timeout=PATIENCE
    )


def shown(expected: Any, found: Any) -> bool:
    """Whether ``found`` has everything that is shown; "…" stands for anything."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(shown(value, found.get(name)) for name, value in expected.items())
    if isinstance(expected, list):
        return len(expected) == len(found) and all(map(shown, expected, found))
    return expected == "…" or bool(expected == found)


def test_every_example_is_answered_as_shown(tmp_path: Path):
    front = Front(tmp_path, "sqlite:///retrigger.db")
    front.define("onboarding", ONBOARDING)
    examples = _EXAMPLE.findall(GUIDE)
    front.break_second()
    with serve_api(front) as api:
        key = front.out("key", "create", "portal").strip()
        front.out("grant", "key:portal", "submit", "--app", "HR")
        front.out("grant", "key:portal", "take_action", "--app", "HR")
        for number, (line, answer) in enumerate(examples):
            found = curl(line, {"API": api.url, "KEY": key}).json()
            assert shown(json.loads(answer), found), (line, found)
            if number == 0:
                front.wait("REQ-1", "blocked")
                front.mend_second()
            if "mend-1" in line:
                front.wait("REQ-1", "completed")

    assert len(examples) == GUIDE.count("```sh\ncurl") == 5


def test_every_problem_is_told_with_its_status_and_facts():
    told = {words(row[0])[0]: int(row[1]) for row in rows(GUIDE, "## Errors") if "about:blank" not in row[0]}

    assert told == {f"urn:retrigger:{kind.name}": kind.status for kind in KINDS.values()}


def test_every_member_of_a_body_is_told(tmp_path: Path):
    with serve_api(Front(tmp_path, "sqlite:///retrigger.db")) as api:
        described = api.client().get("/openapi.json").json()
        metrics = api.client().get("/metrics").text
    taken = {}
    for path, operations in described["paths"].items():
        content = operations.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json")
        if path.startswith("/v1/requests/") and content:
            kinds = content["schema"].get("anyOf", [content["schema"]])
            name = kinds[0]["$ref"].rpartition("/")[2]
            taken[f"POST {path}"] = set(described["components"]["schemas"][name]["properties"])

    told = {call: set(words(row[2])) for row in rows(GUIDE, "## Act on a blocked step") for call in words(row[0])}
    assert told == taken
    assert set(re.findall(r"^# TYPE (\w+)", metrics, re.MULTILINE)) == {
        words(row[0])[0] for row in rows(GUIDE, "### Metrics")
    }


def test_limits_and_outcomes_are_the_codes():
    limits = {row[0]: row[1] for row in rows(GUIDE, "## Limits")}

    assert limits["a page"] == f"{MAX_PAGE} requests"
    assert limits["calls carried out at once"].startswith(f"{THREADS} in one process")
    assert all(outcome in GUIDE for outcome in OUTCOMES.values())
