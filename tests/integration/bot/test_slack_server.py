"""The Slack of ours keeps to Slack's rules, so that what passes here says something."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.integration.bot.office import BOT_TOKEN, CHANNEL, WORKSPACE, Office
from tests.support.poll import wait_until
from tests.support.slack_server import LOST_ANSWER, RESET, SlackServer, rate_limited

GROUPS = [{"id": "S1", "handle": "hr-admins", "name": "HR admins", "users": ["U1", "U2"]}]


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer({**WORKSPACE, "usergroups": GROUPS}) as server:
        yield server


@pytest.fixture
def client(slack: SlackServer) -> WebClient:
    return WebClient(BOT_TOKEN, base_url=slack.api_url)


def code(raised: pytest.ExceptionInfo[SlackApiError]) -> str:
    return str(raised.value.response["error"])


def section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def test_messages_threads_and_their_history(slack: SlackServer, client: WebClient) -> None:
    first = client.chat_postMessage(channel=CHANNEL, text="card", blocks=[section("card")])
    for number in range(5):
        client.chat_postMessage(
            channel=CHANNEL, text=f"line {number}", thread_ts=first["ts"], reply_broadcast=number == 4
        )
    client.chat_postEphemeral(channel=CHANNEL, user="U1", text="psst")
    client.chat_update(channel=CHANNEL, ts=first["ts"], text="changed")
    seen = client.conversations_history(channel=CHANNEL)["messages"]
    assert [message["text"] for message in seen] == ["line 4", "changed"]
    page = client.conversations_replies(channel=CHANNEL, ts=first["ts"], limit=4)
    rest = client.conversations_replies(
        channel=CHANNEL, ts=first["ts"], limit=4, cursor=page["response_metadata"]["next_cursor"]
    )
    replies = [message["text"] for message in [*page["messages"], *rest["messages"]]]
    assert replies == ["changed", *(f"line {number}" for number in range(5))]
    client.chat_delete(channel=CHANNEL, ts=first["ts"])
    with pytest.raises(SlackApiError) as raised:
        client.chat_update(channel=CHANNEL, ts=first["ts"], text="again")
    assert code(raised) == "message_not_found"


def test_what_slack_would_refuse_is_refused_and_kept(slack: SlackServer, client: WebClient) -> None:
    with pytest.raises(SlackApiError) as raised:
        client.chat_postMessage(channel=CHANNEL, text="x", blocks=[section("y" * 3001)])
    assert code(raised) == "invalid_blocks"
    assert len(slack.refused) == 1


def test_channels_that_take_nothing(slack: SlackServer, client: WebClient) -> None:
    slack.archive(CHANNEL)
    with pytest.raises(SlackApiError, match="is_archived"):
        client.chat_postMessage(channel=CHANNEL, text="x")
    slack.archive(CHANNEL, False)
    slack.kick(CHANNEL, "U0BOT")
    with pytest.raises(SlackApiError, match="not_in_channel"):
        client.chat_postMessage(channel=CHANNEL, text="x")
    with pytest.raises(SlackApiError, match="channel_not_found"):
        client.chat_postMessage(channel="C404", text="x")


def test_tokens_and_scopes(slack: SlackServer, client: WebClient) -> None:
    assert "chat:write" in str(client.auth_test().headers)
    slack.workspace.scopes = "chat:write"
    with pytest.raises(SlackApiError, match="missing_scope"):
        client.usergroups_list()
    slack.workspace.token_error = "token_revoked"
    with pytest.raises(SlackApiError, match="token_revoked"):
        client.auth_test()
    slack.workspace.token_error = ""
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        client.apps_connections_open(app_token=BOT_TOKEN)


def test_people_groups_and_files(slack: SlackServer, client: WebClient) -> None:
    assert client.users_lookupByEmail(email="hanna@example.com")["user"]["id"] == "U1"
    assert client.usergroups_list(include_users=True)["usergroups"][0]["users"] == ["U1", "U2"]
    assert "users" not in client.usergroups_list()["usergroups"][0]
    client.files_upload_v2(filename="path.png", content=b"PNG", channel=CHANNEL, initial_comment="the path")
    (message,) = slack.person("U1").messages(CHANNEL)
    assert message["files"][0]["name"] == "path.png"


def test_faults_come_in_order_and_are_counted(slack: SlackServer, client: WebClient) -> None:
    slack.faults.add("chat.postMessage", rate_limited(7), LOST_ANSWER, RESET, channel=CHANNEL)
    with pytest.raises(SlackApiError) as raised:
        client.chat_postMessage(channel=CHANNEL, text="one")
    assert raised.value.response.headers["Retry-After"] == "7"
    for _ in range(2):
        with pytest.raises(OSError):  # noqa: PT011  # which one depends on the system
            WebClient(BOT_TOKEN, base_url=slack.api_url, retry_handlers=[]).chat_postMessage(
                channel=CHANNEL, text="two"
            )
    assert [message["text"] for message in slack.person("U1").messages(CHANNEL)] == ["two"]
    assert slack.faults.count("chat.postMessage") == 3


def test_a_limit_is_kept_as_slack_keeps_it(slack: SlackServer, client: WebClient) -> None:
    slack.faults.limit("chat.postMessage", per_minute=1, burst=2, by_channel=True)
    client.chat_postMessage(channel=CHANNEL, text="one")
    client.chat_postMessage(channel=CHANNEL, text="two")
    with pytest.raises(SlackApiError, match="ratelimited"):
        client.chat_postMessage(channel=CHANNEL, text="three")
    client.chat_postMessage(channel="U1", text="elsewhere")


def test_away_and_back_at_the_same_address(slack: SlackServer, client: WebClient) -> None:
    slack.away()
    with pytest.raises(OSError, match="refused"):
        client.auth_test()
    slack.back()
    assert client.auth_test()["team"] == "Test"


@pytest.fixture
def office(slack: SlackServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    office = Office(tmp_path_factory.mktemp("office"), slack)
    try:
        office.open()
        yield office
    finally:
        office.close()


def test_a_person_clicks_submits_and_is_told(office: Office, slack: SlackServer) -> None:
    number, card = office.blocked()
    office.outside.error = None
    slack.person("U1").click(card, "retrigger.flow").acknowledged()
    office.hanna.modal("remaining flow")
    office.hanna.submit()
    office.hanna.no_modal()
    office.room.wait(number, "completed")
    office.settled()
    assert len(office.lines(card)) == 5
    office.hanna.command(CHANNEL, "help")
    office.message("/retrigger")
    office.hanna.open_home()
    office.hanna.home()
    assert slack.refused == []


def test_sockets_are_several_and_come_back(office: Office, slack: SlackServer) -> None:
    sockets = slack.deliveries.sockets
    opened = sockets.opened
    sockets.disconnect("refresh_requested")
    wait_until(lambda: sockets.opened > opened and bool(sockets.connections), "the next connection")
    slack.deliveries.copies = 2
    _, card = office.blocked()
    office.vera.click(card, "retrigger.path")
    office.vera.modal()
