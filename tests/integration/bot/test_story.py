"""The log joins a click, the act, the attempt, the outside call and what was told (docs/operating.md)."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from engine.logs.json_line import JsonLine
from engine.values.masking import Masker
from tests.integration.bot.office import CHANNEL, Office
from tests.support.poll import wait_until
from tests.support.slack_form import typed
from tests.support.slack_ui import SlackUi


def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """What was logged, as whoever reads the JSON sees it."""
    formatter = JsonLine(Masker())
    return [json.loads(formatter.format(record)) for record in caplog.records]


def test_one_id_gives_the_whole_story(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    number, card = office.blocked("payment")
    office.settled()
    caplog.set_level(logging.INFO)
    caplog.clear()
    office.bank.answer = {"receipt": "r-1"}
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("These steps will run: `pay`.")
    office.hanna.submit(typed(reason="my secret diary"))
    office.room.wait(number, "completed")
    office.settled()
    told_by = {"act.done", "attempt.ended", "slack.whispered"}  # in threads that may come to it a little later
    wait_until(lambda: told_by <= {line["event"] for line in told(caplog)}, "the last lines")

    lines = told(caplog)
    story = [line for line in lines if line.get("request") == f"REQ-{number}"]
    events = [line["event"] for line in story]
    inside = ["slack.came", "window.opened", "slack.came", "act.done"]
    assert [event for event in events if event in inside] == inside
    ran = ["attempt.started", "call.ended", "attempt.ended"]
    assert [event for event in events if event in ran] == ran
    assert {"slack.posted", "slack.updated", "slack.whispered"} <= set(events)

    by_name = {line["event"]: line for line in story}
    act, call = by_name["act.done"], by_name["call.ended"]
    assert (act["did"], act["actor"], act["door"], act["step"]) == ("flow", "slack:T1/U1", "slack", "pay")
    assert by_name["slack.came"]["click"] == act["click"]  # the window's id, which local-slack changes at an update
    assert next(line for line in story)["click"] == by_name["window.opened"]["click"]
    assert (by_name["slack.came"]["user"], by_name["slack.came"]["action"]) == ("U1", "retrigger.flow")
    assert act["command"] == f"slack:T1/U1:{act['click']}"
    of_command = {line["event"] for line in lines if line.get("command") == act["command"]}
    assert of_command >= {"act.done", *ran, "slack.posted"}
    assert (call["connection"], call["method"], call["path"], call["status"]) == ("bank", "POST", "/pay", 200)
    assert (call["attempt"], call["effect"]) == (2, "accepted")
    assert call["ms"] > 0 and call["worker"] and call["key"] == office.bank.keys[-1]
    assert by_name["slack.posted"]["channel"] == CHANNEL and by_name["slack.posted"]["outbox"]
    assert "diary" not in json.dumps(lines)


def test_a_refused_click_is_told_with_its_name(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    number, card = office.blocked()
    caplog.set_level(logging.INFO)
    assert isinstance(office.vera, SlackUi)
    office.vera.click(card, "retrigger.step")
    office.message("Take action")

    (refused,) = wait_until(lambda: [line for line in told(caplog) if line["event"] == "act.refused"], "the line")
    assert (refused["request"], refused["actor"]) == (f"REQ-{number}", "slack:T1/U3")
    assert refused["click"] and "Take action" in refused["says"]


def test_what_simply_works_leaves_no_line(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "engine")
    office.bank.answer = {"receipt": "r-1"}
    office.room.wait(office.room.submit("payment", {"name": "Ada"}), "completed")

    assert [line["event"] for line in told(caplog) if line["logger"].startswith("engine")] == []


def test_every_attempt_and_call_is_told_at_debug(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "engine")
    office.bank.answer = {"receipt": "r-1"}
    number = office.room.submit("payment", {"name": "Ada"})
    office.room.wait(number, "completed")

    def ran() -> list[str]:
        events = [line["event"] for line in told(caplog) if line.get("request") == f"REQ-{number}"]
        return [event for event in events if not event.startswith("slack")]

    wait_until(lambda: ran() == ["attempt.started", "call.ended", "attempt.ended"], "the lines of its one attempt")
