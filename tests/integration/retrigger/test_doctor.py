"""`retrigger doctor`: what it finds wrong, and what mends it."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from tests.support import tcp
from tests.support.api import serve_api
from tests.support.front import Front


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


def test_wrong_settings_end_the_examination(front: Front):
    front.settings.write_text("lease: soon\n")

    assert states(examine(front)) == {"Settings": "failed"}
    assert "✗ Settings" in front.run("doctor").stdout


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
    assert unreachable["found"].startswith("SLACK_BOT_TOKEN: Slack cannot be reached")
    assert "xoxb-1" not in unreachable["found"]
