"""Slack away, slow, limiting and forgetful: nothing lost, nothing twice."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

import pytest
from slack_sdk import WebClient
from sqlalchemy import func, select, update

from bot.blocks import fit
from bot.blocks.parts import section
from bot.check import SCOPES, SlackUnusable, check_slack
from bot.poster import PAGE, Poster
from storage.tables import TO_TELL, outbox
from tests.integration.bot.office import APP_TOKEN, BOT_TOKEN, CHANNEL, Office
from tests.support.engine import HANNA
from tests.support.poll import wait_until
from tests.support.slack_server import (
    FAULTS,
    Answer,
    Fault,
    Hold,
    SlackServer,
    broken,
    rate_limited,
    refuse,
)


@pytest.fixture(scope="module")
def module_office(our_office: Office) -> Office:
    return our_office


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("fault", FAULTS)
def test_one_card_and_one_line_whatever_happens_to_the_posts(office: Office, slack: SlackServer, fault: Fault) -> None:
    slack.faults.add("chat.postMessage", fault)
    number, card = office.blocked()
    office.settled()
    assert len(office.posts()) == 1
    assert len(office.lines(card)) == 1
    slack.faults.add("chat.postMessage", fault)
    office.outside.error = None
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("remaining flow")
    office.hanna.submit()
    office.room.wait(number, "completed")
    office.settled()
    assert len(office.lines(card)) == len(set(office.lines(card))) == 5
    assert len(office.posts()) == 1


def test_a_post_is_found_behind_hundreds_that_came_after_it(office: Office, slack: SlackServer) -> None:
    _, card = office.blocked()
    poster = Poster(WebClient(BOT_TOKEN, base_url=slack.api_url))
    for _ in range(PAGE + 1):
        poster.post(CHANNEL, fit.message("later", [section("later")]))
    assert poster.find(CHANNEL, card["blocks"][0]["block_id"], float(card["ts"]) - 1) == card["ts"]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("fault", FAULTS)
def test_without_a_channel_the_outcome_comes_once_as_a_direct_message(
    office: Office, slack: SlackServer, fault: Fault
) -> None:
    number = office.room.submit("quiet", {"name": "Ada"})
    office.room.wait(number, "blocked")
    office.outside.error = None
    office.hanna.command(CHANNEL, f"REQ-{number} create_account flow")
    office.hanna.modal("remaining flow")
    slack.faults.add("chat.postMessage", fault)
    office.hanna.submit()
    office.room.wait(number, "completed")
    office.settled()
    direct = str(WebClient(BOT_TOKEN, base_url=office.slack.api_url).conversations_open(users="U1")["channel"]["id"])
    told = [line for message in office.hanna.messages(direct) for line in message["text"].splitlines()]
    assert [line.split(": ✅")[0] for line in told if line.startswith(f"REQ-{number}:")] == [
        f"REQ-{number}: recovered",
        f"REQ-{number}: the flow has ended. The request is *Completed*.",
    ]


def test_blocks_that_slack_refuses_still_alert(office: Office, slack: SlackServer) -> None:
    slack.faults.add("chat.postMessage", refuse("invalid_blocks"))
    office.room.submit("onboarding", {"name": "Ada"})
    card = office.message("is Blocked at create_account")
    assert [block["text"]["type"] for block in card["blocks"]] == ["plain_text"]


def test_without_an_engine_nobody_is_told_that_the_step_runs(office: Office) -> None:
    number, card = office.blocked()
    worker = office.room.worker
    assert worker is not None
    worker.stop(grace=2.0)
    try:
        office.hanna.click(card, "retrigger.flow")
        office.hanna.modal("remaining flow")
        office.hanna.submit()
        office.message("Accepted, but nothing is running it: no engine is alive.", thread=None)
        office.hanna.command(CHANNEL, f"REQ-{number}")
        office.message("↳ _Re-triggered by @Hanna Lead, ")
    finally:
        office.room.start()
    office.room.wait(number, "blocked")


def test_a_deleted_card_comes_back(office: Office) -> None:
    number, card = office.blocked()
    office.settled()
    client = WebClient(BOT_TOKEN, base_url=office.slack.api_url)
    client.chat_delete(channel=CHANNEL, ts=card["ts"])
    office.room.engine.withdraw(HANNA, number, reason="not needed")
    again = office.message("is Withdrawn")
    assert again["ts"] != card["ts"]
    office.message("withdrew", thread=again["ts"])


def test_a_profile_that_slack_does_not_tell(office: Office, slack: SlackServer) -> None:
    office.reopen(slack.api_url)
    _, card = office.blocked()
    slack.faults.add("users.info", broken())
    office.hanna.click(card, "retrigger.flow")
    office.message("Slack did not tell your e-mail address")
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("remaining flow")


@pytest.mark.parametrize(
    ("became", "told"),
    [
        ("deleted", "Your Slack account is deactivated, so grants"),
        ("is_restricted", "You are a guest here"),
    ],
)
def test_whose_mail_counts_no_more_when_they_submit_does_nothing(
    office: Office, slack: SlackServer, monkeypatch: pytest.MonkeyPatch, became: str, told: str
) -> None:
    number, card = office.blocked()
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("remaining flow")
    with monkeypatch.context() as later:
        later.setattr("bot.people.KEPT", 0.0)  # minutes later
        later.setitem(slack.workspace.users["U1"], became, True)
        office.hanna.submit()
        assert told in office.hanna.errors()["reason"]
    office.reopen()  # which knows nobody yet
    assert office.room.document(number).status.value == "blocked"


def test_a_window_that_slack_would_not_open(office: Office, slack: SlackServer) -> None:
    _, card = office.blocked()
    slack.faults.add("views.open", refuse("expired_trigger_id"))
    office.hanna.click(card, "retrigger.flow")
    office.message("Slack took too long to open the window, so nothing was done.")


def test_a_window_that_slack_would_not_put_on_another(office: Office, slack: SlackServer) -> None:
    _, card = office.blocked()
    office.hanna.click(card, "retrigger.path")
    path = office.hanna.modal("Withdraw")
    slack.faults.add("views.push", refuse("expired_trigger_id"))
    office.hanna.click(path, "retrigger.flow")
    office.message("Slack took too long to open the window, so nothing was done.")


@pytest.mark.parametrize("fault", [rate_limited(), broken()])
def test_a_window_that_opened_and_that_slack_would_not_change(office: Office, slack: SlackServer, fault: Fault) -> None:
    _, card = office.blocked()
    slack.faults.add("views.update", fault)
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("remaining flow")


@pytest.mark.parametrize("fault", [rate_limited(), broken()])
def test_an_app_home_that_slack_would_not_take_at_first(office: Office, slack: SlackServer, fault: Fault) -> None:
    number, _ = office.blocked()
    slack.faults.add("views.publish", fault)
    hanna = slack.person("U1")
    hanna.open_home()
    hanna.home(f"REQ-{number}")


def test_that_slack_is_in_trouble_is_told_with_what_to_do(office: Office, slack: SlackServer) -> None:
    _, card = office.blocked()
    slack.faults.add("views.open", broken())
    office.hanna.click(card, "retrigger.flow")
    office.message("Slack is in trouble (HTTP 503). Nothing was done; please try again.")


def test_who_was_told_in_the_channel_is_not_told_once_more_directly(office: Office, slack: SlackServer) -> None:
    _, card = office.blocked()
    direct, passes = office.direct("U3"), Hold()
    before, told = len(office.vera.messages(direct)), slack.faults.count("chat.postEphemeral")
    passes.release()
    slack.faults.add("chat.postEphemeral", passes, refuse("thread_not_found"))  # in the channel; in the thread
    office.vera.click(card, "retrigger.flow")
    office.message("Take action")
    wait_until(lambda: slack.faults.count("chat.postEphemeral") == told + 2, "both")
    office.reopen()  # when what was under way has ended
    assert len(office.vera.messages(direct)) == before


def test_an_answer_that_slack_does_not_take_at_its_own_address_comes_otherwise(
    office: Office, slack: SlackServer
) -> None:
    slack.faults.add("response_url", broken())
    office.hanna.command(CHANNEL, "whoami")
    office.message("What you may do")


def test_slack_unreachable_at_the_start_loses_nothing(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "bot")
    office.door.stop()
    with socket.socket() as nobody:  # bound, and nobody listens
        nobody.bind(("127.0.0.1", 0))
        office.door = office.new_door(f"http://127.0.0.1:{nobody.getsockname()[1]}/api/")
        office.door.start()
        number = office.room.submit("onboarding", {"name": "Ada"})
        office.room.wait(number, "blocked")
        wait_until(lambda: "Slack cannot be reached" in caplog.text)
        wait_until(lambda: "nothing is lost" in caplog.text)
        assert not office.door.reachable
    office.reopen()
    office.message("is Blocked at create_account")
    office.settled()
    assert len(office.posts()) == 1


MENDABLE: dict[str, tuple[Callable[[SlackServer], None], Callable[[SlackServer], None]]] = {
    "is_archived": (lambda slack: slack.archive(CHANNEL), lambda slack: slack.archive(CHANNEL, False)),
    "not_in_channel": (lambda slack: slack.kick(CHANNEL, "U0BOT"), lambda slack: slack.invite(CHANNEL, "U0BOT")),
    "token_revoked": (
        lambda slack: setattr(slack.workspace, "token_error", "token_revoked"),
        lambda slack: setattr(slack.workspace, "token_error", ""),
    ),
    "missing_scope": (
        lambda slack: setattr(slack.workspace, "scopes", "commands"),
        lambda slack: setattr(slack.workspace, "scopes", ",".join(SCOPES)),
    ),
}


@pytest.mark.parametrize("code", MENDABLE)
def test_what_a_person_has_to_mend_waits_and_says_so(office: Office, slack: SlackServer, code: str) -> None:
    spoil, mend = MENDABLE[code]
    spoil(slack)
    try:
        number = office.room.submit("onboarding", {"name": "Ada"})
        office.room.wait(number, "blocked")
        wait_until(lambda: code in (office.outbox.backlog().error or ""), code)
        calls = slack.faults.count("chat.postMessage")
        again = office.room.submit("onboarding", {"name": "Bob"})
        office.room.wait(again, "blocked")
        wait_until(lambda: office.outbox.backlog().number >= 4)
        assert slack.faults.count("chat.postMessage") <= calls + 1, "nobody asks again and again"
    finally:
        mend(slack)
    office.reopen()  # a minute later
    with office.room.database.writing() as connection:
        connection.execute(update(outbox).values(due_at=0.0))
    office.settled()
    assert len(office.posts()) == 2


def made_old(office: Office) -> bool:
    """What waits was written an hour ago; if the relay has none of it in hand, which would know the true time."""
    with office.room.database.writing() as connection:
        if connection.scalar(select(func.count()).where(TO_TELL, outbox.c.taken_until.is_not(None))):
            return False
        connection.execute(update(outbox).where(TO_TELL).values(created_at=outbox.c.created_at - 3600))
        return True


def test_while_slack_was_away_much_happened(office: Office, slack: SlackServer) -> None:
    number, card = office.blocked()
    office.settled()
    slack.away()
    office.outside.error = None
    office.room.engine.retrigger(HANNA, number, "create_account", flow=True)
    office.room.wait(number, "completed")
    wait_until(lambda: made_old(office))
    updates = slack.faults.count("chat.update")
    slack.back()
    office.settled()
    assert slack.faults.count("chat.update") == updates + 1
    replies = office.posts(card["ts"])
    lines = [len(message["blocks"]) for message in replies]
    # The block's own line; what was under way when Slack went away may come by itself; then all the rest in one.
    assert lines[0] == 1 and sum(lines) == 5 and len(lines) <= 3
    assert office.told("U1") == []
    direct = [m["text"] for m in office.hanna.messages("DU1")]
    assert sum(f"REQ-{number}:" in text and "✅ `create_account` completed" in text for text in direct) == 1


def test_the_connection_comes_back_by_itself(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line goes dead, with no word from the other side; the next click is heard again."""
    monkeypatch.setattr("bot.socket_mode.PING", 1)
    office.reopen()
    _, card = office.blocked()
    assert office.door.socket is not None
    lines = office.door.socket.lines
    wait_until(lambda: all(line.connected for line in lines))
    first = [line.client for line in lines]
    for client in first:
        assert client is not None and client.current_session is not None and client.current_session.sock is not None
        client.current_session.sock.shutdown(socket.SHUT_RDWR)
    wait_until(lambda: all(line.client not in first and line.connected for line in lines))
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("remaining flow")


def test_what_doctor_asks(office: Office, slack: SlackServer) -> None:
    client = WebClient(BOT_TOKEN, base_url=slack.api_url)
    found = check_slack(client, APP_TOKEN)
    assert (found.team, found.bot_user, found.missing) == ("Test", "Retrigger", ())
    slack.faults.add("auth.test", Answer(200, {"ok": True, "team": "Test", "user": "retrigger"}))
    assert check_slack(client).scopes is None  # a server that does not tell
    slack.workspace.scopes = "chat:write,commands"
    found = check_slack(client)
    slack.workspace.scopes = ",".join(SCOPES)
    assert found.scopes == frozenset({"chat:write", "commands"})
    assert found.missing == tuple(list(SCOPES)[2:])
    slack.faults.add("auth.test", refuse("invalid_auth"))
    with pytest.raises(SlackUnusable, match="SLACK_BOT_TOKEN: Slack refuses the token"):
        check_slack(client)
    slack.faults.add("apps.connections.open", refuse("not_allowed_token_type"))
    with pytest.raises(SlackUnusable, match="SLACK_APP_TOKEN: Slack refuses the token"):
        check_slack(client, APP_TOKEN)
