"""The tests' own person at the local Slack, against the real server and a Bolt app as its bot."""

import socket

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from retrigger.demo import people
from tests.support.slack_ui import SlackUi

BUTTON = {
    "type": "actions",
    "block_id": "row",
    "elements": [
        {"type": "button", "action_id": "go", "value": "v7", "text": {"type": "plain_text", "text": "Go"}},
    ],
}
MODAL = {
    "type": "modal",
    "callback_id": "asked",
    "title": {"type": "plain_text", "text": "Say why"},
    "submit": {"type": "plain_text", "text": "Submit"},
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": {"type": "plain_text", "text": "Why"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}


@pytest.fixture
def slack(start_local_slack):
    return start_local_slack(people.workspace())


@pytest.fixture
def bot(slack):
    """A bot that opens a modal on a click, wants a reason in it, and says in the thread who gave which."""
    app = App(client=WebClient(people.BOT_TOKEN, base_url=slack.api_url))
    posted = app.client.chat_postMessage(channel=people.CHANNEL_ID, text="card", blocks=[BUTTON])

    @app.action("go")
    def clicked(ack, body, client):
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @app.view("asked")
    def submitted(ack, body, client):
        why = body["view"]["state"]["values"]["why"]["text"]["value"]
        if not why:
            ack(response_action="errors", errors={"why": "Say something"})
            return
        ack()
        text = f"{body['user']['id']}: {why}"
        client.chat_postMessage(channel=people.CHANNEL_ID, thread_ts=posted["ts"], text=text)

    @app.command("/retrigger")
    def commanded(ack, command):
        ack(response_type="ephemeral", text=f"you said {command['text']}")

    handler = SocketModeHandler(app, people.APP_TOKEN, web_client=WebClient(people.APP_TOKEN, base_url=slack.api_url))
    handler.connect()
    yield posted["ts"]
    session = handler.client.current_session
    assert session is not None
    assert session.sock is not None
    session.sock.shutdown(socket.SHUT_RDWR)  # or its reader sits in its receive for 3 s
    handler.close()


def reason(text):
    return {"why": {"text": {"type": "plain_text_input", "value": text}}}


def test_click_modal_error_submit_and_thread(slack, bot):
    with SlackUi(slack.url, people.OMAR.id) as omar:
        omar.click(omar.message(people.CHANNEL_ID, "card"), "go")
        assert omar.modal("Say why")["callback_id"] == "asked"
        omar.submit()
        assert omar.errors() == {"why": "Say something"}
        omar.submit(reason("it is up again"))
        omar.no_modal()
        assert omar.message(people.CHANNEL_ID, "up again", thread=bot)["text"] == "U0OMAR: it is up again"


def test_a_slash_command_is_answered(slack, bot):
    with SlackUi(slack.url, people.VERA.id) as vera:
        vera.command(people.CHANNEL_ID, "whoami")
        assert vera.message(people.CHANNEL_ID, "you said whoami")["ephemeral_to"] == people.VERA.id
