"""HTTP mode: what is taken for Slack's, what is answered, and who waits for whom."""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import text

from bot.http_mode import PATH
from bot.targets import Place, Target, Ticket
from bot.threads import WORKING
from engine.limits import MAX_INPUT_BYTES
from engine.rules.allowed import Action
from retrigger.settings_file import read_settings
from retrigger.up import Running
from tests.integration.bot.office import WORKSPACE
from tests.support.front import Front
from tests.support.poll import wait_until
from tests.support.slack_form import typed
from tests.support.slack_http import FORM, interaction, signed
from tests.support.slack_listeners import heard
from tests.support.slack_server import SLACKS, Hold, SlackServer

SECRET = "of-this-test"
AT_ONCE = 1.0  # seconds
CHALLENGE = json.dumps({"type": "url_verification", "challenge": "c-1", "token": "unused"})
PERSON = {"team": {"id": "T1", "domain": "test"}, "user": {"id": "U1", "name": "hanna", "team_id": "T1"}}


@pytest.fixture(scope="module")
def slack() -> Iterator[SlackServer]:
    with SlackServer(WORKSPACE) as server:
        yield server


@contextmanager
def serving(
    front: Front, slack: SlackServer, *, engine: bool = True, bot: bool = True
) -> Iterator[tuple[httpx.Client, Running]]:
    """`retrigger up` in HTTP mode, or `retrigger bot`, and somebody who calls it."""
    tokens = {"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_SIGNING_SECRET": SECRET, "SLACK_API_URL": slack.api_url}
    said: list[str] = []
    running = Running(read_settings(front.settings, tokens), said.append)
    running.start(engine=engine, bot=bot, api=engine)
    try:
        (url,) = [line.split(": ")[1] for line in said if line.startswith(("API: ", "Served for Slack: "))]
        with httpx.Client(base_url=url.removesuffix(PATH), trust_env=False, timeout=20) as client:
            yield client, running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, slack: SlackServer) -> Iterator[httpx.Client]:
    with serving(Front(tmp_path_factory.mktemp("front"), "sqlite:///retrigger.db"), slack) as (client, _):
        yield client


def post(client: httpx.Client, body: str, **signing: Any) -> httpx.Response:
    return client.post(PATH, content=body, headers=signed(body, signing.pop("secret", SECRET), **signing))


def test_the_address_is_verified(up: httpx.Client) -> None:
    answer = post(up, CHALLENGE)
    assert (answer.status_code, answer.json()) == (200, {"challenge": "c-1"})


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param({"secret": "another"}, id="another secret"),
        pytest.param({"ago": 400}, id="too old"),
        pytest.param({"ago": -400}, id="from the future"),
    ],
)
def test_what_is_not_signed_rightly_is_refused(up: httpx.Client, spoilt: dict[str, Any]) -> None:
    answer = post(up, CHALLENGE, **spoilt)
    assert answer.status_code == 401
    assert "SLACK_SIGNING_SECRET" in answer.json()["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-slack-request-timestamp": "soon", "x-slack-signature": "v0=0"},
        {"x-slack-request-timestamp": "9" * 5000, "x-slack-signature": "v0=0"},
        {"x-slack-request-timestamp": "²", "x-slack-signature": "v0=0"},
        {"x-slack-request-timestamp": str(int(time.time())), "x-slack-signature": "v0=é"},
        {"x-slack-request-timestamp": str(int(time.time()))},
    ],
)
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"payload=%7B", CHALLENGE.encode()])
def test_whatever_strangers_send_is_refused(up: httpx.Client, headers: dict[str, str], body: bytes) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    assert up.post(PATH, content=body, headers=raw).status_code == 401


def test_a_changed_body_is_refused_and_an_unreadable_one_too(up: httpx.Client) -> None:
    assert up.post(PATH, content=CHALLENGE + " ", headers=signed(CHALLENGE, SECRET)).status_code == 401
    assert post(up, "{broken").status_code == 400
    assert post(up, "payload=%7Bbroken", content_type=FORM).status_code == 400


def test_a_body_has_a_limit_and_other_methods_have_no_place(up: httpx.Client) -> None:
    assert up.post(PATH, content=b"x" * (MAX_INPUT_BYTES + 1)).status_code == 413
    assert up.get(PATH).status_code == 405
    assert PATH not in up.get("/openapi.json").json()["paths"]


def test_bot_alone_serves_slack_and_monitors_only(tmp_path: Path, slack: SlackServer) -> None:
    front = Front(tmp_path, "sqlite:///retrigger.db")
    assert front.run("db", "upgrade").exit_code == 0
    with serving(front, slack, engine=False) as (client, _):
        assert post(client, CHALLENGE).status_code == 200
        assert client.get("/healthz").json()["service"] == "retrigger"
        assert client.get("/v1/requests").status_code == 404


def test_doctor_calls_as_slack_does_and_monitors_are_told_of_a_removal(tmp_path: Path, slack: SlackServer) -> None:
    front = Front(tmp_path, "sqlite:///retrigger.db")
    tokens = {"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_SIGNING_SECRET": SECRET, "SLACK_API_URL": slack.api_url}

    def checks(**more: str) -> dict[str, Any]:
        found = json.loads(front.run("doctor", "--json", **{**tokens, **more}).stdout)
        return {check["name"]: check for check in found}

    with serving(front, slack) as (client, running):
        port = str(client.base_url.port)
        at = {"RETRIGGER_API_PORT": port}
        assert checks(**at)["Slack"]["found"] == "Retrigger in Test; HTTP, for SLACK_SIGNING_SECRET is set"
        calls = checks(**at)["Slack's calls"]
        assert (calls["state"], calls["found"].split(";")[0]) == ("ok", f"taken at http://127.0.0.1:{port}{PATH}")
        public = {**at, "RETRIGGER_API_PUBLIC_URL": f"http://127.0.0.1:{port}/"}
        assert checks(**public)["Slack's calls"]["found"] == f"taken at http://127.0.0.1:{port}{PATH}"
        other = checks(**at, SLACK_SIGNING_SECRET="another")["Slack's calls"]
        assert (other["state"], "another SLACK_SIGNING_SECRET" in other["found"]) == ("failed", True)
        elsewhere = checks(**at, RETRIGGER_API_PUBLIC_URL=f"http://127.0.0.1:{port}/elsewhere")["Slack's calls"]
        assert elsewhere["found"].endswith("does not take Slack's calls (HTTP 404)")

        assert client.get("/readyz").json()["ready"]
        running.app.removals.removed("T1", "app_uninstalled")
        wait_until(lambda: client.get("/readyz").status_code == 503, "monitors to be told")
        (reason,) = client.get("/readyz").json()["reasons"]
        assert reason.startswith("Slack: the app was taken out of workspace T1 (app_uninstalled)")
        assert any(check["found"] == reason for check in json.loads(front.run("doctor", "--json", **tokens).stdout))
    assert checks(**at)["Slack's calls"]["state"] == "skipped"
    assert checks(**public)["Slack's calls"]["state"] == "failed"


def test_an_api_beside_which_a_bot_of_its_own_takes_slacks_calls_is_no_failure(
    tmp_path: Path, slack: SlackServer
) -> None:
    """As in compose.yaml, where doctor runs beside the API."""
    front = Front(tmp_path, "sqlite:///retrigger.db")
    tokens = {"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_SIGNING_SECRET": SECRET, "SLACK_API_URL": slack.api_url}
    with serving(front, slack, bot=False) as (client, _):
        at = {**tokens, "RETRIGGER_API_PORT": str(client.base_url.port), "RETRIGGER_API_HOST": "0.0.0.0"}
        found = json.loads(front.run("doctor", "--json", **at).stdout)
    (calls,) = [check for check in found if check["name"] == "Slack's calls"]
    assert calls["state"] == "skipped"
    assert calls["found"].startswith(f"the API on localhost:{client.base_url.port} takes none")
    assert "api.public_url" in calls["mend"]


@pytest.fixture
def still(tmp_path: Path, postgres_url: str, slack: SlackServer) -> Iterator[httpx.Client]:
    """A bot whose database and whose Slack stand still until the test ends: what waits for them is not answered."""
    front = Front(tmp_path, postgres_url)
    assert front.run("db", "upgrade").exit_code == 0
    held = Hold()
    with serving(front, slack, engine=False) as (client, running), running.app.database.engine.connect() as blocking:
        blocking.execute(text("LOCK TABLE requests, steps IN ACCESS EXCLUSIVE MODE"))
        slack.faults.add("*", held, times=math.inf)
        try:
            yield client
        finally:
            held.release()
            slack.faults.clear()
            blocking.rollback()


@pytest.mark.postgres
def test_nobody_waits_for_a_database_that_stands_still(still: httpx.Client) -> None:
    """With more clicks under way than there are threads for them."""
    clicks = [post(still, interaction(click("retrigger.flow")), content_type=FORM) for _ in range(2 * WORKING)]
    assert all(answer.status_code == 200 and not answer.content for answer in clicks)
    assert still.get("/healthz").status_code == 200
    window = post(still, interaction(submit("retrigger.withdraw")), content_type=FORM)

    assert window.json()["response_action"] == "update"
    assert "Working" in json.dumps(window.json())


def each_listener(client: httpx.Client) -> Iterator[tuple[str, str, httpx.Response]]:
    """The kind of each listener, what it is for, and what comes for it is answered with."""
    bodies: dict[str, Callable[[str], str]] = {
        "action": lambda what: interaction(click(what)),
        "command": lambda what: urlencode(slash(what)),
        "event": lambda what: json.dumps(event(what)),
        "view": lambda what: interaction(submit(what)),
    }
    listened = heard()
    assert {listener.kind for listener in listened} == set(bodies)
    for kind, what in listened:
        body = bodies[kind](what)
        yield kind, what, post(client, body, content_type="application/json" if kind == "event" else FORM)


@pytest.mark.postgres
def test_every_listener_acknowledges_first_except_submitted_windows(still: httpx.Client) -> None:
    for kind, what, answer in each_listener(still):
        assert answer.status_code == 200, (kind, what)
        assert bool(answer.content) == (kind == "view"), (kind, what)


@pytest.mark.slow
@pytest.mark.postgres
def test_every_listener_acknowledges_in_time_though_nothing_it_needs_answers(still: httpx.Client) -> None:
    for kind, what, answer in each_listener(still):
        took = answer.elapsed.total_seconds()
        assert took < (SLACKS if kind == "view" else AT_ONCE), (kind, what)


_triggers = itertools.count(1)


def click(action_id: str) -> dict[str, Any]:
    pressed = {"type": "button", "action_id": action_id, "value": Target(1, "first", 1).pack()}
    place = {"channel": {"id": "C0HR"}, "container": {"type": "message", "message_ts": "1.0", "channel_id": "C0HR"}}
    trigger_id = f"t-{next(_triggers)}"
    return {"type": "block_actions", **PERSON, **place, "trigger_id": trigger_id, "actions": [pressed]}


def slash(command: str) -> dict[str, str]:
    answer = {"trigger_id": f"t-{next(_triggers)}", "response_url": "http://127.0.0.1:9/"}
    return {"command": command, "text": "REQ-1", "team_id": "T1", "user_id": "U1", "channel_id": "C0HR", **answer}


def event(kind: str) -> dict[str, Any]:
    inner = {"type": kind, "user": "U1", "tab": "home", "tokens": {"bot": ["U0BOT"]}}
    return {"type": "event_callback", "team_id": "T1", "event_id": f"Ev{next(_triggers)}", "event": inner}


def submit(callback_id: str) -> dict[str, Any]:
    """Of a withdrawal, whose window every act's listener could have opened."""
    ticket = Ticket(Action.WITHDRAW, Target(1), Place("C0HR"))
    view = {"id": "V1", "callback_id": callback_id, "private_metadata": ticket.pack(), "blocks": []}
    whole = {**view, "type": "modal", "state": {"values": typed(reason="not needed")}}
    return {"type": "view_submission", **PERSON, "trigger_id": f"t-{next(_triggers)}", "view": whole}
