"""Slack away, slow, limiting and forgetful: nothing lost, nothing twice."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.check import SCOPES, SlackUnusable, check_slack
from tests.integration.bot.conftest import APP_TOKEN, BOT_TOKEN, CHANNEL, WORKSPACE, Office, Outside, eventually
from tests.integration.bot.faulty import LOST_ANSWER, LOST_CALL, FaultySlack
from tests.support.engine import HANNA
from tests.support.localslack import StartLocalSlack

Fault = tuple[int, dict[str, str], dict[str, Any]]
RATE_LIMITED: Fault = (429, {"Retry-After": "1"}, {"ok": False, "error": "ratelimited"})
BROKEN: Fault = (503, {}, {})


@pytest.fixture
def faulty(
    sqlite_url: str, start_local_slack: StartLocalSlack, outside: Outside
) -> Iterator[tuple[Office, FaultySlack]]:
    """An office whose bot talks to Slack through a server that spoils calls."""
    slack = start_local_slack(WORKSPACE)
    with FaultySlack(slack.url) as between:
        office = Office(sqlite_url, slack, outside)
        office.door = office.new_door(between.api_url)
        try:
            office.open()
            yield office, between
        finally:
            office.close()


def posts(office: Office) -> list[dict[str, Any]]:
    return [m for m in office.hanna.messages(CHANNEL) if m.get("subtype") != "ephemeral"]


@pytest.mark.parametrize("fault", [RATE_LIMITED, BROKEN, LOST_CALL, LOST_ANSWER])
def test_one_card_and_one_line_whatever_happens_to_the_posts(faulty: tuple[Office, FaultySlack], fault: Any) -> None:
    office, slack = faulty
    slack.spoil("chat.postMessage", fault)
    _, card = office.blocked()
    office.settled()
    assert len(posts(office)) == 1
    assert len(office.hanna.messages(CHANNEL, thread=card["ts"])) == 1
    slack.spoil("chat.postMessage", fault)
    office.outside.error = None
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("remaining flow")
    office.hanna.submit()
    eventually(lambda: office.outbox.waiting()[0] == 0 and office.room.document(1).status.value == "completed")
    lines = [m for m in office.hanna.messages(CHANNEL, thread=card["ts"]) if m.get("subtype") != "ephemeral"]
    assert len(lines) == len({m["text"] for m in lines}) == 5
    assert len(posts(office)) == 1


def test_blocks_that_slack_refuses_still_alert(faulty: tuple[Office, FaultySlack]) -> None:
    office, slack = faulty
    slack.spoil("chat.postMessage", (200, {}, {"ok": False, "error": "invalid_blocks"}))
    office.room.submit("onboarding", {"name": "Ada"})
    card = office.hanna.message(CHANNEL, "is Blocked at create_account")
    assert [block["text"]["type"] for block in card["blocks"]] == ["plain_text"]


def test_a_deleted_card_comes_back(office: Office) -> None:
    number, card = office.blocked()
    office.settled()
    client = WebClient(BOT_TOKEN, base_url=office.slack.api_url)
    client.chat_delete(channel=CHANNEL, ts=card["ts"])
    office.room.engine.withdraw(HANNA, number, reason="not needed")
    again = office.hanna.message(CHANNEL, "is Withdrawn")
    assert again["ts"] != card["ts"]
    office.hanna.message(CHANNEL, "withdrew", thread=again["ts"])


def test_a_profile_that_slack_does_not_tell(faulty: tuple[Office, FaultySlack]) -> None:
    office, slack = faulty
    _, card = office.blocked()
    slack.spoil("users.info", BROKEN)
    office.hanna.click(card, "retrigger.flow")
    office.hanna.message(CHANNEL, "Slack did not tell your e-mail address")
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("remaining flow")


def test_a_window_that_slack_would_not_open(faulty: tuple[Office, FaultySlack]) -> None:
    office, slack = faulty
    _, card = office.blocked()
    slack.spoil("views.open", (200, {}, {"ok": False, "error": "expired_trigger_id"}))
    office.hanna.click(card, "retrigger.flow")
    office.hanna.message(CHANNEL, "Slack took too long to open the window, so nothing was done.")


def test_slack_unreachable_at_the_start_loses_nothing(
    sqlite_url: str, start_local_slack: StartLocalSlack, outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot")
    slack = start_local_slack(WORKSPACE)
    with socket.socket() as nobody:  # bound, and nobody listens
        nobody.bind(("127.0.0.1", 0))
        office = Office(sqlite_url, slack, outside)
        office.door = office.new_door(f"http://127.0.0.1:{nobody.getsockname()[1]}/api/")
        office.door.start()
        number = office.room.submit("onboarding", {"name": "Ada"})
        office.room.wait(number, "blocked")
        eventually(lambda: "Slack cannot be reached" in caplog.text)
        eventually(lambda: "nothing is lost" in caplog.text)
        assert not office.door.socket.connected
        office.door.stop()
    try:
        office.door = office.new_door()
        office.open()
        office.hanna.message(CHANNEL, "is Blocked at create_account")
        office.settled()
        assert len(posts(office)) == 1
    finally:
        office.close()


def test_the_connection_comes_back_by_itself(
    sqlite_url: str, start_local_slack: StartLocalSlack, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line goes dead, with no word from the other side; the next click is heard again."""
    monkeypatch.setattr("bot.socket_mode.PING", 0.2)
    office = Office(sqlite_url, start_local_slack(WORKSPACE), outside)
    try:
        office.open()
        _, card = office.blocked()
        client = office.door.socket.client
        assert client is not None
        first = client.current_session
        assert first is not None
        assert first.sock is not None
        first.sock.shutdown(socket.SHUT_RDWR)
        eventually(lambda: client.current_session is not first)
        eventually(lambda: office.door.socket.connected)
        office.hanna.click(card, "retrigger.flow")
        office.hanna.modal("remaining flow")
    finally:
        office.close()


def test_what_doctor_asks(faulty: tuple[Office, FaultySlack]) -> None:
    _, slack = faulty
    client = WebClient(BOT_TOKEN, base_url=slack.api_url)
    found = check_slack(client, APP_TOKEN)
    assert (found.team, found.bot_user, found.scopes, found.missing) == ("Test", "Retrigger", None, ())
    who = {"ok": True, "team": "Test", "user": "retrigger"}
    slack.spoil("auth.test", (200, {"X-OAuth-Scopes": "chat:write,commands"}, who))
    found = check_slack(client)
    assert found.scopes == frozenset({"chat:write", "commands"})
    assert found.missing == tuple(list(SCOPES)[2:])
    slack.spoil("auth.test", (200, {}, {"ok": False, "error": "invalid_auth"}))
    with pytest.raises(SlackUnusable, match="SLACK_BOT_TOKEN: Slack refuses the token"):
        check_slack(client)
    slack.spoil("apps.connections.open", (200, {}, {"ok": False, "error": "not_allowed_token_type"}))
    with pytest.raises(SlackUnusable, match="SLACK_APP_TOKEN: Slack refuses the token"):
        check_slack(client, APP_TOKEN)
