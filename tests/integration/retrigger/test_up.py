"""`up`, `worker` and `bot` as processes: how they start, what they refuse, and how they end."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from contextlib import closing
from typing import Any

import pytest

from engine.errors import StorageError
from retrigger.demo import people
from retrigger.settings_file import read_settings
from retrigger.up import Running
from tests.integration.retrigger.conftest import StartProcess
from tests.support.front import Front, Process
from tests.support.localslack import StartLocalSlack
from tests.support.poll import wait_until
from tests.support.slack_ui import SlackUi

WAITING = """
workflow: waiting
app: HR
title: "Waiting for {{ request.input.name }}"
nodes:
  wait: {function: {name: front.wait, args: {folder: FOLDER}, timeout: 1m, isolation: thread}}
  after: {function: {name: front.work, args: {folder: FOLDER}, isolation: thread}}
"""


def test_up_makes_its_database_runs_requests_and_stops_cleanly(front: Front, start: StartProcess):
    up = start("up")
    said = up.wait_for("Ctrl-C stops it.")

    assert "Slack: not connected, for want of SLACK_BOT_TOKEN and SLACK_APP_TOKEN in the environment" in said
    assert "retrigger.db, made now." in said
    assert "Workflow: steps version 1, published now." in said
    front.wait(front.submit(), "completed")
    assert up.end(signal.SIGINT) == 0
    assert "Traceback" not in up.said


def test_a_second_engine_is_refused_and_commands_are_not(front: Front, start: StartProcess):
    up = start("up")
    up.wait_for("Ctrl-C stops it.")

    second = start("worker")

    assert second.code() == 1
    assert f"Another Retrigger engine (process {up.pid}) is running on" in second.said
    assert front.run("list").exit_code == 0
    assert up.end(signal.SIGTERM) == 0


def test_leases_are_as_long_as_the_settings_say(front: Front):
    front.settings.write_text(front.settings.read_text().replace("lease: 10s", "lease: 2h"))
    with front.engine(), closing(sqlite3.connect(front.folder / "retrigger.db")) as database:
        left = "SELECT max(present_until) - (julianday('now') - 2440587.5) * 86400 FROM workers"
        ((seconds,),) = database.execute(left)

    assert 3600 < seconds <= 7201


def test_what_a_killed_process_ran_is_done_after_the_next_start(front: Front, start: StartProcess):
    front.define("waiting", WAITING)
    first = start("worker")
    first.wait_for("Ctrl-C stops it.")
    request = front.submit(workflow="waiting")
    wait_until((front.folder / "waiting").exists, "the step to start")
    first.end(signal.SIGKILL)
    (front.folder / "go").touch()

    second = start("worker")
    second.wait_for("1 step of an earlier run recovered")
    document = front.wait(request, "completed")

    assert [attempt["kind"] for attempt in document["steps"][0]["attempts"]] == ["initial", "recovery"]


def test_a_step_that_will_not_end_does_not_keep_the_process(front: Front, start: StartProcess):
    front.define("waiting", WAITING)
    up = start("up", RETRIGGER_STOP_GRACE="0.2s")
    up.wait_for("Ctrl-C stops it.")
    request = front.submit(workflow="waiting")
    wait_until((front.folder / "waiting").exists, "the step to start")

    assert up.end(signal.SIGTERM) == 0

    wait = front.json("show", request)["steps"][0]
    assert (wait["status"], wait["recoveries"], wait["attempts"][0]["outcome"]) == ("ready", 0, "returned")


def test_two_signals_at_once_are_one_and_a_later_one_ends_at_once(front: Front, start: StartProcess):
    front.define("waiting", WAITING)
    up = start("up", RETRIGGER_STOP_GRACE="10m")
    up.wait_for("Ctrl-C stops it.")
    request = front.submit(workflow="waiting")
    wait_until((front.folder / "waiting").exists, "the step to start")

    asked = time.monotonic()
    up.send(signal.SIGINT)
    up.send(signal.SIGTERM)  # as `timeout` and some supervisors do: to the child, and to its group
    wait_until(lambda: not up.send(signal.SIGTERM), "the end", every=0.1)

    assert time.monotonic() - asked >= 1.0
    assert up.code() == 128 + signal.SIGTERM
    assert front.json("show", request)["steps"][0]["status"] == "running"


def test_bot_without_tokens_is_refused(still: Front, start: StartProcess):
    bot = start("bot")

    assert bot.code() == 1
    assert bot.said == "The bot needs SLACK_BOT_TOKEN and SLACK_APP_TOKEN. Set them in the environment.\n"


def test_engine_and_bot_run_as_processes_of_their_own(
    front: Front, start: StartProcess, start_local_slack: StartLocalSlack
):
    with front.settings.open("a") as settings:
        settings.write(f"apps:\n  HR: {{channel: {people.CHANNEL_ID}}}\n")
        settings.write(f"grants:\n  - {{who: {people.HANNA.email}, permission: take_action, app: HR}}\n")
    worker = start("worker")
    worker.wait_for("Ctrl-C stops it.")
    slack = start_local_slack(people.workspace())
    tokens = {"SLACK_BOT_TOKEN": people.BOT_TOKEN, "SLACK_APP_TOKEN": people.APP_TOKEN}
    bot = start("bot", **tokens, SLACK_API_URL=slack.api_url)
    bot.wait_for("Connected to Slack.")
    front.break_second()
    request = front.submit()

    with SlackUi(slack.url, people.HANNA.id) as hanna:
        card = hanna.message(people.CHANNEL_ID, f"{request} · Steps for Ada")
        front.mend_second()
        hanna.click(card, "retrigger.flow")
        hanna.modal("remaining flow")
        hanna.submit()
        front.wait(request, "completed")

    assert (bot.end(), worker.end()) == (0, 0)
    assert "Traceback" not in bot.said


def test_up_runs_on_while_slack_is_out_of_reach(front: Front, start: StartProcess):
    tokens = {"SLACK_BOT_TOKEN": "xoxb-secret-1", "SLACK_APP_TOKEN": "xapp-secret-2"}
    up = start("up", **tokens, SLACK_API_URL="http://127.0.0.1:9/api/")

    up.wait_for("Trying again.")
    front.wait(front.submit(), "completed")

    assert up.end() == 0
    assert "Traceback" not in up.said
    assert "secret-" not in up.said


def test_up_that_cannot_start_says_why_and_leaves_the_lock(front: Front, start: StartProcess):
    right = front.settings.read_text()
    front.settings.write_text(right.replace("tests.support.front_functions", "nowhere_to_be_found"))

    up = start("up")

    assert up.code() == 1
    assert "functions: nowhere_to_be_found cannot be imported: there is no such module." in up.said
    assert "Traceback" not in up.said
    front.settings.write_text(right)
    with front.engine():
        front.wait(front.submit(), "completed")


@pytest.mark.postgres
def test_with_procrastinate_the_upgrade_makes_its_tables_too_and_several_run(front: Front, postgres_url: str):
    front.settings.write_text(front.settings.read_text().replace("sqlite:///retrigger.db", postgres_url))
    front.out("db", "upgrade")
    front.settings.write_text(front.settings.read_text() + "executor: procrastinate\n")
    assert "no tables of Procrastinate yet. Run `retrigger db upgrade`." in front.run("doctor").output
    with pytest.raises(StorageError, match="Run `retrigger db upgrade`"):
        Running(read_settings(front.settings, {}), print).start(engine=True)

    assert front.out("db", "upgrade") == "The tables are up to date now.\n"
    assert front.out("db", "upgrade") == "The tables were up to date; nothing changed.\n"

    with front.engine(), front.engine():
        blocked = front.blocked()
        front.mend_second()
        assert front.out("flow", blocked, "second") == f"{blocked} is Completed.\n"


@pytest.mark.postgres
def test_on_postgres_an_engine_asks_for_the_upgrade_and_several_run(front: Front, postgres_url: str):
    front.settings.write_text(front.settings.read_text().replace("sqlite:///retrigger.db", postgres_url))
    settings = read_settings(front.settings, {})
    with pytest.raises(StorageError, match="Run `retrigger db upgrade`"):
        Running(settings, print).start(engine=True, bot=False)

    assert front.out("db", "upgrade") == "The tables are up to date now.\n"
    assert front.out("db", "upgrade") == "The tables were up to date; nothing changed.\n"

    with front.engine(), front.engine():
        requests = [front.submit(name) for name in "abcd"]
        for request in requests:
            front.wait(request, "completed")
        blocked = front.blocked()
        front.mend_second()
        assert front.out("flow", blocked, "second") == f"{blocked} is Completed.\n"


def test_in_json_what_does_not_run_is_a_warning_and_why_nothing_does_an_error(front: Front, start: StartProcess):
    front.define("wrong", "workflow: wrong\n")
    up = start("up", RETRIGGER_LOG="json", SLACK_BOT_TOKEN="xoxb-1", RETRIGGER_LAESE="7s")
    up.wait_for("Ctrl-C stops it.")

    second = start("worker", RETRIGGER_LOG="json")
    assert second.code() == 1
    assert up.end() == 0

    assert [line["says"].partition(",")[0] for line in lines(up) if line["level"] == "warning"] == [
        "Nothing reads the variable RETRIGGER_LAESE; did you mean RETRIGGER_LEASE?",
        "Slack: not connected",
        f"Workflow: {front.folder / 'workflows' / 'wrong.yaml'} does not pass",
    ]
    (why,) = lines(second)
    assert (why["level"], why["event"]) == ("error", "process.says")
    assert why["says"].startswith(f"Another Retrigger engine (process {up.pid}) is running on")


def lines(process: Process) -> list[dict[str, Any]]:
    """Its log, all of which is JSON."""
    return [json.loads(line) for line in process.said.splitlines()]


def test_a_folder_of_workflows_that_cannot_be_read_keeps_no_engine_and_no_doctor_from_the_rest(front: Front):
    beyond = "x" * 300  # no name for any system, whoever asks
    front.settings.write_text(front.settings.read_text().replace("[workflows/]", f"[{beyond}, workflows/]"))
    said: list[str] = []
    running = Running(read_settings(front.settings, {}), said.append)
    running.start(engine=True)
    doctor = front.run("doctor")
    running.stop()

    kept = f"Workflow: {front.folder / beyond} does not pass, so what was published before stays in force."
    assert [line for line in said if line.startswith(kept)]
    assert "Workflow: steps version 1, published now." in said
    assert doctor.exit_code == 1
    assert "✗ Workflow" in doctor.stdout
    assert "steps (steps.yaml)" in doctor.stdout
