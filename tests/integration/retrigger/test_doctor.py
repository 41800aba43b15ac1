"""`retrigger doctor`: what it finds wrong, and what mends it."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from retrigger.cli import command
from retrigger.settings_file import read_settings
from retrigger.up import Running
from tests.integration.bot.office import APP_TOKEN, BOT_TOKEN, CHANNEL, WORKSPACE
from tests.support import tcp
from tests.support.api import serve_api
from tests.support.front import Front
from tests.support.poll import wait_until
from tests.support.slack_server import SlackServer, refuse


def examine(front: Front, **environment: str | None) -> dict[str, Any]:
    """The checks by name; where there are several of a name, the worst."""
    result = front.run("doctor", "--json", **environment)
    checks = json.loads(result.stdout)
    failed = any(check["state"] == "failed" for check in checks)
    assert result.exit_code == (1 if failed else 0)
    return {check["name"]: check for check in sorted(checks, key=lambda check: str(check["state"] == "failed"))}


def states(checks: dict[str, Any]) -> dict[str, str]:
    return {name: check["state"] for name, check in checks.items()}


def test_all_is_well(running: Front):
    checks = examine(running)

    assert states(checks) == {
        "Settings": "ok",
        "Database": "ok",
        "Engine": "ok",
        "Outbox": "skipped",
        "Functions": "ok",
        "Workflow": "ok",
        "API": "skipped",
        "Slack": "skipped",
    }
    lines = running.out("doctor").splitlines()
    assert lines[1] == "✓ Database               SQLite, reachable, its tables up to date, writable"


def test_no_engine(still: Front):
    engine = examine(still)["Engine"]

    assert (engine["state"], engine["mend"]) == ("failed", "Start one: retrigger up, or retrigger worker.")


def test_a_disk_that_is_nearly_full(running: Front, monkeypatch: pytest.MonkeyPatch):
    """An engine that can store nothing does not even say that it is alive: that none is running would be all that one
    hears."""
    asked: list[Path] = []

    def nearly_full(folder: Path) -> Any:
        asked.append(folder)
        return SimpleNamespace(free=3_000_000)

    monkeypatch.setattr(shutil, "disk_usage", nearly_full)

    database = examine(running)["Database"]

    assert (database["state"], asked) == ("failed", [running.folder])
    assert database["found"] == f"3 MB are free on the disk of {running.folder / 'retrigger.db'}"
    assert "without room nothing is stored" in database["mend"]


def test_wrong_settings_end_the_examination(front: Front):
    front.settings.write_text("lease: soon\n")

    assert states(examine(front)) == {"Settings": "failed"}
    assert "✗ Settings" in front.run("doctor").stdout


def test_the_example_of_settings_keeps_its_form(front: Front, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(front.folder)
    front.settings.unlink()
    told = CliRunner().invoke(command, ["doctor"], env={"RETRIGGER_CONFIG": None})
    assert "\n                           identity:\n                             base_url: " in told.stdout
    assert told.exit_code == 1


def test_a_misspelt_application(still: Front):
    """Its alerts would go nowhere, and its people could do nothing. One that was published has no need of a file."""
    for app in ("payroll-eu", "payroll-us"):
        file = still.define(app, f"{{workflow: {app}, app: {app}, nodes: {{wait: {{delay: {{for: 1h}}}}}}}}")
    still.out("workflow", "publish", str(file))
    file.unlink()
    more = "apps:\n" + "".join(
        f"  {app}: {{channel: C0123456789}}\n" for app in ("Hr", "HRX", "payroll-us", "payroll-uk")
    )
    grants = "grants: [{who: a@b.c, permission: admin, app: hr}, {who: a@b.c, permission: admin}]\n"
    still.settings.write_text(still.settings.read_text() + more + grants)

    lines = still.run("doctor").stdout.splitlines()

    assert [line for line in lines if "did you mean" in line] == [
        "✗ Settings               apps: no workflow is of the application Hr; did you mean HR?",
        "? Settings               apps: no workflow is of the application payroll-uk; did you mean payroll-us?",
        "✗ Settings               grants: no workflow is of the application hr; did you mean HR?",
    ]
    hint = next(place for place, line in enumerate(lines) if "payroll-uk" in line) + 1
    assert lines[hint].strip() == "If so, correct its name: what is meant for it reaches nobody."


def test_an_application_that_is_named_before_its_workflow_is_published_is_no_failure(running: Front):
    running.define("payroll-us", "{workflow: payroll-us, app: payroll-us, nodes: {wait: {delay: {for: 1h}}}}")
    running.settings.write_text(running.settings.read_text() + "apps: {payroll-uk: {channel: C0123456789}}\n")

    checks = examine(running)

    assert set(states(checks).values()) == {"ok", "hint", "skipped"}
    assert checks["Settings"]["state"] == "hint"


def test_a_processor_that_this_machine_lacks(still: Front):
    settings = examine(still, RETRIGGER_PROCESSOR="4095")["Settings"]

    assert settings["state"] == "failed"
    assert settings["found"].startswith("processor: ")


def test_a_misspelt_variable(still: Front):
    settings = examine(still, RETRIGGER_LAESE="7s")["Settings"]

    assert settings["found"] == "Nothing reads the variable RETRIGGER_LAESE; did you mean RETRIGGER_LEASE?"


def test_a_database_without_tables(front: Front):
    checks = examine(front)

    assert "Run `retrigger db upgrade`." in checks["Database"]["found"]
    assert states(checks)["Engine"] == "skipped"
    assert states(checks)["Workflow"] == "ok"


def test_a_read_only_database(still: Front):
    url = f"sqlite:///file:{still.folder}/retrigger.db?mode=ro&uri=true"

    assert "is read-only" in examine(still, RETRIGGER_DATABASE_URL=url)["Database"]["found"]


def test_a_function_module_and_a_definition_that_are_wrong(still: Front):
    still.settings.write_text(
        still.settings.read_text().replace("tests.support.front_functions", "nowhere_to_be_found")
    )
    still.define("steps", "workflow: steps\napp: HR\nnodes: {}\n")

    checks = examine(still)

    assert "there is no such module" in checks["Functions"]["found"]
    assert checks["Workflow"]["mend"] == "Until it passes, what was published before stays in force."


def test_connections(tmp_path: Path):
    with tcp.tcp_server(lambda connection: None) as up, socket.create_server(("127.0.0.1", 0)) as closed:
        down = f"http://127.0.0.1:{closed.getsockname()[1]}"
        closed.close()
        front = Front(
            tmp_path,
            "sqlite:///retrigger.db",
            f"connections:\n  up: {{base_url: '{up}'}}\n  down: {{base_url: '{down}'}}\n"
            f"  secret: {{base_url: '{up}', auth: {{bearer_env: FRONT_TOKEN}}}}\n",
        )
        checks = examine(front)

    assert states(checks)["Connection up"] == "ok"
    assert "cannot be reached" in checks["Connection down"]["found"]
    assert "FRONT_TOKEN" in checks["Connection secret"]["found"]


def test_the_api_answers_does_not_or_somebody_else_has_its_port(tmp_path: Path):
    front = Front(tmp_path, "sqlite:///retrigger.db")
    with serve_api(front) as api:
        port = api.url.rpartition(":")[2]
        assert examine(front, RETRIGGER_API_PORT=port)["API"]["found"] == f"http://127.0.0.1:{port}"
        assert examine(front, RETRIGGER_API_PORT=port, RETRIGGER_API_HOST="0.0.0.0")["API"]["state"] == "ok"
    gone = examine(front, RETRIGGER_API_PORT=port)["API"]
    assert (gone["state"], gone["found"].split(";")[0]) == ("skipped", f"nothing listens on 127.0.0.1:{port}")
    with tcp.tcp_server(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n[]")) as other:
        taken = examine(front, RETRIGGER_API_PORT=other.rpartition(":")[2])["API"]
    assert (taken["state"], "is not Retrigger" in taken["found"]) == ("failed", True)


def test_slack_half_set_and_out_of_reach(still: Front):
    tokens = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": None, "SLACK_API_URL": "http://127.0.0.1:9/"}

    half = examine(still, **tokens)["Slack"]
    assert half["found"] == "SLACK_APP_TOKEN is not set"
    assert half["mend"].startswith("Set SLACK_BOT_TOKEN, and SLACK_APP_TOKEN or SLACK_SIGNING_SECRET")
    unreachable = examine(still, **{**tokens, "SLACK_APP_TOKEN": "xapp-1"})["Slack"]
    assert unreachable["found"] == "SLACK_BOT_TOKEN: Slack cannot be reached (Connection refused)."
    assert "xoxb-1" not in unreachable["found"]


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer(WORKSPACE) as server:
        yield server


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Front]:
    """An engine that has something to tell in Slack, and no bot."""
    front = Front(tmp_path, "sqlite:///retrigger.db", f"apps: {{HR: {{channel: {CHANNEL}}}}}\n")
    with front.engine():
        front.blocked()
        yield front


def test_slack_as_it_should_be(still: Front, slack: SlackServer):
    still.settings.write_text(f"{still.settings.read_text()}apps: {{HR: {{channel: {CHANNEL}}}}}\n")
    checks = examine(still, **tokens(slack))

    assert (checks["Slack"]["found"], checks["Slack"]["state"]) == ("Retrigger in Test; Socket Mode", "ok")
    assert checks["Channel of HR"]["found"] == CHANNEL
    assert checks["Outbox"]["found"] == "nothing waits"


def test_slack_says_what_the_app_may_not_do(told: Front, slack: SlackServer):
    slack.kick(CHANNEL, "U0BOT")
    assert "Invite it there: /invite @Retrigger" in examine(told, **tokens(slack))["Channel of HR"]["found"]
    slack.workspace.scopes = "chat:write,commands"
    assert "lacks the scopes users:read" in examine(told, **tokens(slack))["Slack"]["found"]
    slack.workspace.token_error = "token_revoked"
    assert "Slack refuses the token (token_revoked)" in examine(told, **tokens(slack))["Slack"]["found"]


def test_a_published_version_that_cannot_be_read_is_told(still: Front):
    with closing(sqlite3.connect(still.folder / "retrigger.db", isolation_level=None)) as database:
        database.execute("""UPDATE workflows SET document = replace(document, '"function"', '"of_tomorrow"')""")
    workflow = examine(still)["Workflow"]
    assert workflow["found"].startswith("Version 1 of steps cannot be read: a newer Retrigger published it, or ")
    assert workflow["mend"].endswith("its requests stand still. Published again, it takes new ones.")


def test_an_older_version_that_cannot_be_read_is_told_while_requests_are_on_it(still: Front):
    still.submit()
    with closing(sqlite3.connect(still.folder / "retrigger.db", isolation_level=None)) as database:
        database.execute("INSERT INTO workflows SELECT name, 2, app, document, 'd', 0 FROM workflows")
        for damage in ("""replace(document, '"function"', '"of_tomorrow"')""", "'{'"):
            database.execute(f"UPDATE workflows SET document = {damage} WHERE version = 1")
            assert examine(still)["Workflow"]["found"].startswith("Version 1 of steps cannot be read")
        database.execute("DELETE FROM workflows WHERE version = 1")
        assert examine(still)["Workflow"]["found"].startswith("There is no version 1")
        database.execute("UPDATE requests SET status = 'withdrawn'")
    assert examine(still)["Workflow"]["state"] == "ok"


def test_a_newest_version_that_is_no_json_is_told(still: Front):
    with closing(sqlite3.connect(still.folder / "retrigger.db", isolation_level=None)) as database:
        database.execute("UPDATE workflows SET document = '{'")
    assert examine(still)["Workflow"]["found"].startswith("Version 1 of steps cannot be read")


def test_what_waits_for_slack_says_why(told: Front, slack: SlackServer):
    in_outbox(told, "UPDATE outbox SET created_at = created_at - 100")
    untold = examine(told)["Outbox"]
    assert "2 messages wait for Slack, the oldest (of REQ-1) for 10" in untold["found"]
    assert untold["mend"] == (
        "Set SLACK_BOT_TOKEN and SLACK_APP_TOKEN where it shall run, and start the bot: retrigger up, or retrigger bot."
    )
    assert examine(told, **tokens(slack))["Outbox"]["mend"] == "Start the bot: retrigger up, or retrigger bot."
    slack.archive(CHANNEL)
    bot = Running(read_settings(told.settings, tokens(slack)), lambda sentence: None)
    bot.start(bot=True)
    wait_until(lambda: "(is_archived). Unarchive it" in examine(told)["Outbox"]["found"], "the reason")
    slack.archive(CHANNEL, False)
    in_outbox(told, "UPDATE outbox SET due_at = 0")
    bot.stop()


def test_what_was_given_up_is_told_of_for_a_day(told: Front):
    in_outbox(told, "UPDATE outbox SET done_at = created_at, error = 'Slack answered brand_new.'")
    given_up = examine(told)["Outbox"]
    assert given_up["found"] == ("2 messages of the last day were given up; the last one: Slack answered brand_new.")
    in_outbox(told, "UPDATE outbox SET done_at = done_at - 90000")
    assert examine(told)["Outbox"]["found"] == "nothing waits"


def tokens(slack: SlackServer) -> dict[str, str]:
    return {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.api_url}


def in_outbox(front: Front, statement: str) -> None:
    with closing(sqlite3.connect(front.folder / "retrigger.db", isolation_level=None)) as database:
        database.execute(statement)


def test_user_groups_that_grants_name_must_exist_and_be_readable(still: Front):
    with SlackServer(
        {**WORKSPACE, "usergroups": [{"id": "S0123456789", "handle": "hr-admins", "users": ["U1"]}]}
    ) as slack:
        still.out("grant", "@hr-admins", "take_action")
        still.out("grant", "S0123456789", "submit")
        fine = examine(still, **tokens(slack))["User groups"]
        assert (fine["state"], fine["found"]) == ("ok", "1 known")

        still.out("grant", "@hr-admns", "admin")
        wrong = examine(still, **tokens(slack))["User groups"]
        assert (wrong["state"], wrong["found"]) == ("failed", "grants name @hr-admns, which Slack does not have")

        slack.faults.add("usergroups.list", refuse("internal_error"))
        away = examine(still, **tokens(slack))["User groups"]
        assert away["state"] == "failed"
        assert "cannot be read now (Slack answered internal_error); the list of " in away["found"]
