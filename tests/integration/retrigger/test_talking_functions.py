"""What functions print and log is in the worker's log: in its form, with the ids of its step, without secrets and
without what is listed as sensitive."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.texts import MASK
from tests.integration.retrigger.conftest import StartProcess
from tests.support.front import Front

TOKEN = "t0ken-of-the-printer"
TALKING = """
workflow: talking
app: HR
nodes:
  apart: {function: {name: talk.say, args: {text: apart}}}
  here: {function: {name: talk.say, args: {text: here}, isolation: thread}}
"""


@pytest.fixture
def front(front: Front) -> Front:
    settings = front.settings.read_text().replace("tests.support.front_functions", "tests.support.talking_functions")
    connection = '  printer: {base_url: "http://127.0.0.1:9", auth: {bearer_env: TALK_TOKEN}}\n'
    front.settings.write_text(f"{settings}connections:\n{connection}")
    (front.folder / "workflows" / "steps.yaml").unlink()
    front.define("talking", TALKING)
    return front


def test_in_json_every_line_is_json_and_has_the_ids_of_its_step(front: Front, start: StartProcess):
    up = start("up", RETRIGGER_LOG="json", TALK_TOKEN=TOKEN)
    up.wait_for("Ctrl-C stops it.")
    request = front.submit(workflow="talking")
    front.wait(request, "completed")
    assert up.end() == 0

    lines = [json.loads(line) for line in up.said.splitlines()]
    for step in ("apart", "here"):
        of_step = [line for line in lines if line["event"] == "library.says" and line.get("step") == step]
        assert [said(line) for line in of_step] == [
            ("print", "info", f"printed {step}"),
            ("print", "info", f"and {MASK}"),
            ("print", "warning", f"complained {step}"),
            ("talk", "info", f"logged {step}"),
            ("print", "info", f"begun {step}"),
        ]
        assert {(line["request"], line["attempt"]) for line in of_step} == {(request, 1)}


def said(line: dict[str, Any]) -> tuple[str, str, str]:
    return line["logger"], line["level"], line["says"]


def test_as_text_it_is_as_they_wrote_it_but_for_secrets(front: Front, start: StartProcess):
    up = start("up", RETRIGGER_LOG="text", TALK_TOKEN=TOKEN)
    up.wait_for("Ctrl-C stops it.")
    front.wait(front.submit(workflow="talking"), "completed")
    assert up.end() == 0

    assert f"\nprinted apart\nand {MASK}\ncomplained apart\n" in up.said
    assert " INFO    talk: logged apart\nbegun apart\n" in up.said
    assert f"\nprinted here\nand {MASK}\ncomplained here\n" in up.said
    assert TOKEN not in up.said


HUSHED = """
workflow: hushed
app: HR
sensitive: [request.input.name]
nodes:
  apart: {function: {name: talk.say, args: {text: "{{ request.input.name }}"}}}
  here: {function: {name: talk.say, args: {text: "{{ request.input.name }}"}, isolation: thread}}
"""


@pytest.mark.parametrize("form", ["json", "text"])
def test_what_is_listed_as_sensitive_is_masked_in_it(front: Front, start: StartProcess, form: str):
    front.define("hushed", HUSHED)
    up = start("up", RETRIGGER_LOG=form, TALK_TOKEN=TOKEN)
    up.wait_for("Ctrl-C stops it.")
    front.wait(front.submit("Xq7-private", "hushed"), "completed")
    front.wait(front.submit("Yr8-private", "hushed"), "completed")
    assert up.end() == 0

    masked = json.dumps(MASK)[1:-1] if form == "json" else MASK
    assert up.said.count(f"printed {masked}") == up.said.count(f"logged {masked}") == 4
    assert "-private" not in up.said
