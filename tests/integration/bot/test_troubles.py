"""Slack away, slow, limiting and forgetful: nothing lost, nothing twice."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.check import SCOPES, SlackUnusable, check_slack
from tests.integration.bot.conftest import APP_TOKEN, BOT_TOKEN, CHANNEL, Office, eventually
from tests.integration.bot.faulty import LOST_ANSWER, LOST_CALL, FaultySlack
from tests.support.engine import HANNA

Fault = tuple[int, dict[str, str], dict[str, Any]]
RATE_LIMITED: Fault = (429, {"Retry-After": "1"}, {"ok": False, "error": "ratelimited"})
BROKEN: Fault = (503, {}, {})


@pytest.fixture(scope="module")
def faulty_slack(module_office: Office) -> Iterator[FaultySlack]:
    with FaultySlack(module_office.slack.url) as slack:
        yield slack
        module_office.reopen()


@pytest.fixture
def between(office: Office, faulty_slack: FaultySlack) -> FaultySlack:
    """The bot talks to Slack through a server that spoils calls."""
    if office.api_url != faulty_slack.api_url:
        office.reopen(faulty_slack.api_url)
    return faulty_slack


@pytest.mark.parametrize("fault", [RATE_LIMITED, BROKEN, LOST_CALL, LOST_ANSWER])
def test_one_card_and_one_line_whatever_happens_to_the_posts(office: Office, between: FaultySlack, fault: Any) -> None:
    between.spoil("chat.postMessage", fault)
    number, card = office.blocked()
    office.settled()
    assert len(office.posts()) == 1
    assert len(office.lines(card)) == 1
    between.spoil("chat.postMessage", fault)
    office.outside.error = None
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("remaining flow")
    office.hanna.submit()
    office.room.wait(number, "completed")
    office.settled()
    assert len(office.lines(card)) == len(set(office.lines(card))) == 5
    assert len(office.posts()) == 1


@pytest.mark.parametrize("fault", [RATE_LIMITED, BROKEN, LOST_CALL, LOST_ANSWER])
def test_without_a_channel_the_outcome_comes_once_as_a_direct_message(
    office: Office, between: FaultySlack, fault: Any
) -> None:
    number = office.room.submit("quiet", {"name": "Ada"})
    office.room.wait(number, "blocked")
    office.outside.error = None
    office.hanna.command(CHANNEL, f"REQ-{number} create_account flow")
    office.hanna.modal("remaining flow")
    between.spoil("chat.postMessage", fault)
    office.hanna.submit()
    office.room.wait(number, "completed")
    office.settled()
    direct = str(WebClient(BOT_TOKEN, base_url=office.slack.api_url).conversations_open(users="U1")["channel"]["id"])
    told = [message["text"] for message in office.hanna.messages(direct) if f"REQ-{number}:" in message["text"]]
    assert told == [f"REQ-{number}: ✅ `create_account` completed (attempt 2). The request is *Completed*."]


def test_blocks_that_slack_refuses_still_alert(office: Office, between: FaultySlack) -> None:
    between.spoil("chat.postMessage", (200, {}, {"ok": False, "error": "invalid_blocks"}))
    office.room.submit("onboarding", {"name": "Ada"})
    card = office.message("is Blocked at create_account")
    assert [block["text"]["type"] for block in card["blocks"]] == ["plain_text"]


def test_a_deleted_card_comes_back(office: Office) -> None:
    number, card = office.blocked()
    office.settled()
    client = WebClient(BOT_TOKEN, base_url=office.slack.api_url)
    client.chat_delete(channel=CHANNEL, ts=card["ts"])
    office.room.engine.withdraw(HANNA, number, reason="not needed")
    again = office.message("is Withdrawn")
    assert again["ts"] != card["ts"]
    office.message("withdrew", thread=again["ts"])


def test_a_profile_that_slack_does_not_tell(office: Office, between: FaultySlack) -> None:
    office.reopen(between.api_url)
    _, card = office.blocked()
    between.spoil("users.info", BROKEN)
    office.hanna.click(card, "retrigger.flow")
    office.message("Slack did not tell your e-mail address")
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("remaining flow")


def test_a_window_that_slack_would_not_open(office: Office, between: FaultySlack) -> None:
    _, card = office.blocked()
    between.spoil("views.open", (200, {}, {"ok": False, "error": "expired_trigger_id"}))
    office.hanna.click(card, "retrigger.flow")
    office.message("Slack took too long to open the window, so nothing was done.")


def test_slack_unreachable_at_the_start_loses_nothing(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "bot")
    office.door.stop()
    with socket.socket() as nobody:  # bound, and nobody listens
        nobody.bind(("127.0.0.1", 0))
        office.door = office.new_door(f"http://127.0.0.1:{nobody.getsockname()[1]}/api/")
        office.door.start()
        number = office.room.submit("onboarding", {"name": "Ada"})
        office.room.wait(number, "blocked")
        eventually(lambda: "Slack cannot be reached" in caplog.text)
        eventually(lambda: "nothing is lost" in caplog.text)
        assert not office.door.socket.connected
    office.reopen()
    office.message("is Blocked at create_account")
    office.settled()
    assert len(office.posts()) == 1


def test_the_connection_comes_back_by_itself(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line goes dead, with no word from the other side; the next click is heard again."""
    monkeypatch.setattr("bot.socket_mode.PING", 0.2)
    office.reopen()
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


def test_what_doctor_asks(office: Office, between: FaultySlack) -> None:
    client = WebClient(BOT_TOKEN, base_url=between.api_url)
    found = check_slack(client, APP_TOKEN)
    assert (found.team, found.bot_user, found.scopes, found.missing) == ("Test", "Retrigger", None, ())
    who = {"ok": True, "team": "Test", "user": "retrigger"}
    between.spoil("auth.test", (200, {"X-OAuth-Scopes": "chat:write,commands"}, who))
    found = check_slack(client)
    assert found.scopes == frozenset({"chat:write", "commands"})
    assert found.missing == tuple(list(SCOPES)[2:])
    between.spoil("auth.test", (200, {}, {"ok": False, "error": "invalid_auth"}))
    with pytest.raises(SlackUnusable, match="SLACK_BOT_TOKEN: Slack refuses the token"):
        check_slack(client)
    between.spoil("apps.connections.open", (200, {}, {"ok": False, "error": "not_allowed_token_type"}))
    with pytest.raises(SlackUnusable, match="SLACK_APP_TOKEN: Slack refuses the token"):
        check_slack(client, APP_TOKEN)
