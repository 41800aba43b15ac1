"""A whole Slack side for a test: a real engine on SQLite, the bot, and a Slack with people in it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import pytest
from slack_sdk import WebClient

from bot.door import SlackDoor
from bot.http_mode import Answer
from engine.causes.bulk import Bulk
from engine.functions import function
from engine.rules.permissions import Grant, Permission
from retrigger.demo.local_slack import LocalSlack
from storage.causes import SqlCauses
from storage.outbox import SqlOutbox
from storage.removals import SqlRemovals
from tests.integration.bot.bank import Bank
from tests.support.engine import HANNA, Room
from tests.support.poll import PATIENCE, wait_until
from tests.support.slack_checks import check_message
from tests.support.slack_server import Person, SlackServer
from tests.support.slack_ui import SlackUi

T = TypeVar("T")

CHANNEL = "C0HR"
BOT_TOKEN = "xoxb-test"
APP_TOKEN = "xapp-test"
SIGNING_SECRET = "of-the-tests"
PEOPLE = {"U1": "Hanna Lead", "U2": "Omar Ops", "U3": "Vera Viewer"}
APP = {
    "appId": "A1",
    "botUserId": "U0BOT",
    "botName": "Retrigger",
    "botToken": BOT_TOKEN,
    "appToken": APP_TOKEN,
    "mode": "socket",
}
WORKSPACE = {
    "workspace": {"name": "Test", "domain": "test", "teamId": "T1"},
    "apps": [APP],
    "users": [
        {
            "id": user,
            "name": name.split()[0].lower(),
            "real_name": name,
            "email": f"{name.split()[0].lower()}@example.com",
        }
        for user, name in PEOPLE.items()
    ],
    "channels": [{"id": CHANNEL, "name": "hr-ops", "members": [*PEOPLE, "U0BOT"]}],
}
WORKFLOW = """
workflow: onboarding
app: HR
title: "Onboard {{ request.input.name }}"
nodes:
  create_account:
    function: {name: bot.account, args: {name: "{{ request.input.name }}"}, isolation: thread}
    result_schema: {type: object, required: [id], properties: {id: {type: string}}}
  badge: {function: {name: bot.badge, args: {account: "{{ nodes.create_account.result.id }}"}, isolation: thread}}
"""

Someone = SlackUi | Person
BOTH = pytest.mark.parametrize(
    "transport", ["socket", "http"], indirect=True, scope="module"
)  # all of it holds for both

PAYMENT = """
workflow: payment
app: HR
title: "Pay {{ request.input.name }}"
nodes:
  pay:
    action:
      connection: bank
      method: POST
      path: /pay
      body: {to: "{{ request.input.name }}"}
      expect: {schema: {type: object, required: [receipt]}}
"""


class Outside:
    """What the workflow's functions do: say what goes wrong, and see how often they were called."""

    def __init__(self) -> None:
        self.error: str | None = "identity answered 503"
        self.badge_error: str | None = None
        self.wait = 0.0
        self.calls: list[str] = []

    def account(self, name: str) -> dict[str, str]:
        self.calls.append("create_account")
        time.sleep(self.wait)
        if self.error:
            raise RuntimeError(self.error)
        return {"id": f"acc-{name}"}

    def badge(self, account: str) -> str:
        self.calls.append("badge")
        if self.badge_error:
            raise RuntimeError(self.badge_error)
        return f"badge of {account}"


_outside = Outside()


@function("bot.account")
def account(name: str) -> Any:
    return _outside.account(name)


@function("bot.badge")
def badge(account: str) -> Any:
    return _outside.badge(account)


class Office:
    """Everything together. ``hanna`` and ``omar`` may act, ``vera`` may see. One serves many tests: each ``begin``s."""

    def __init__(
        self,
        folder: Path,
        slack: LocalSlack | SlackServer,
        transport: str = "socket",
        channels: Mapping[str, str] = MappingProxyType({"HR": CHANNEL}),
    ) -> None:
        self.slack, self.transport, self.channels = slack, transport, channels
        self.bank = Bank()
        self.room = Room(f"sqlite:///{folder / 'retrigger.db'}", {"bank": self.bank.url}, told=set(channels))
        self.room.publish(WORKFLOW)
        self.room.publish(WORKFLOW.replace("workflow: onboarding\napp: HR", "workflow: quiet\napp: Lab"))
        self.room.publish(PAYMENT)
        self.room.engine.grant(HANNA, Grant("U2", Permission.TAKE_ACTION, "HR"))
        self.outbox, self.removals = SqlOutbox(self.room.store), SqlRemovals(self.room.store)
        self.causes = SqlCauses(self.room.store)
        self.room.start()
        self.door = self.new_door()
        self.hanna, self.omar, self.vera = (_person(slack, user) for user in PEOPLE)
        self._before: set[str] = set()
        self.begin()

    def new_door(self, api_url: str | None = None) -> SlackDoor:
        """A Slack side that is not started yet."""
        self.api_url = api_url or self.slack.api_url
        return SlackDoor(
            self.room.engine,
            self.outbox,
            self.removals,
            self.channels,
            causes=self.causes,
            bulk=Bulk(self.room.engine, self.room.bulks),
            bot_token=BOT_TOKEN,
            app_token=APP_TOKEN,
            signing_secret=SIGNING_SECRET if self.transport == "http" else None,
            base_url=self.api_url,
            plain_dates=True,
            files=isinstance(self.slack, SlackServer),
            poll=0.02,
        )

    def open(self) -> None:
        self.door.start()
        wait_until(lambda: self.door.reachable, "the socket")

    def receive(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Slack's signed call, to whichever bot there is now."""
        assert self.door.receiver is not None
        return self.door.receiver.receive(body, headers)

    def reopen(self, api_url: str | None = None) -> None:
        """With a new Slack side, which knows nobody yet."""
        self.door.stop()
        self.door = self.new_door(api_url)
        self.open()

    def begin(self) -> None:
        """A new test: everything broken again, nothing said yet, no window open."""
        global _outside
        _outside = self.outside = Outside()
        self.bank.answer, self.bank.keys = {}, []
        self.hanna.dismiss()
        self.hanna.no_modal()
        self._before = {message["ts"] for message in self._everything()}

    def blocked(self, workflow: str = "onboarding") -> tuple[int, dict[str, Any]]:
        """A request that is Blocked, and its card."""
        number = self.room.submit(workflow, {"name": "Ada"})
        self.room.wait(number, "blocked")
        return number, self.card(number, "is *blocked*")

    def card(self, number: int, text: str) -> dict[str, Any]:
        """The newest card of a request, once it shows ``text``."""

        def shown() -> list[dict[str, Any]]:
            cards = [m for m in self.posts() if _shows(m, f"REQ-{number} · ") or m["text"].startswith(f"REQ-{number} ")]
            return [m for m in cards[-1:] if _shows(m, text)]

        return wait_until(shown, f"the card with {text!r}")[-1]

    def message(self, text: str, thread: str | None = None) -> dict[str, Any]:
        """The newest message of this test that has ``text``, once there is one."""
        return wait_until(lambda: [m for m in self.new(thread) if _shows(m, text)], f"a message with {text!r}")[-1]

    def new(self, thread: str | None = None) -> list[dict[str, Any]]:
        """What was said in this test, in the channel or a thread."""
        return [m for m in self.hanna.messages(CHANNEL, thread=thread) if m["ts"] not in self._before]

    def posts(self, thread: str | None = None) -> list[dict[str, Any]]:
        """What everybody sees of that."""
        return [m for m in self.new(thread) if m.get("subtype") != "ephemeral"]

    def lines(self, card: dict[str, Any]) -> list[str]:
        """The thread of a card, without the times."""
        return [m["text"].split(" · ")[0] for m in self.posts(card["ts"])]

    def told(self, user: str, thread: str | None = None) -> list[str]:
        """What one person was told privately."""
        return [m["text"] for m in self.new(thread) if m.get("ephemeral_to") == user]

    def direct(self, user: str) -> str:
        """The channel of the bot's direct messages with one person."""
        answer = WebClient(BOT_TOKEN, base_url=self.slack.api_url).conversations_open(users=user)
        return str(answer["channel"]["id"])

    def settled(self, seconds: float = PATIENCE) -> None:
        """Everything that is to be told has been told, and everybody's page shows it."""
        wait_until(lambda: self.outbox.waiting()[0] == 0, "an empty outbox", seconds)
        for person in (self.hanna, self.omar, self.vera):
            if isinstance(person, SlackUi):
                person.caught_up()

    def _everything(self) -> list[dict[str, Any]]:
        roots = self.hanna.messages(CHANNEL)
        return roots + [reply for root in roots for reply in self.hanna.messages(CHANNEL, thread=root["ts"])]

    @contextmanager
    def database_away(self) -> Iterator[None]:
        """It answers nobody who asks for a request."""
        self._rename("requests", "away")
        try:
            yield
        finally:
            self._rename("away", "requests")

    def _rename(self, before: str, after: str) -> None:
        with self.room.database.writing() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {before} RENAME TO {after}")

    def close(self) -> None:
        for message in self._everything():
            check_message(message["text"], message.get("blocks", []))
        for ui in (self.hanna, self.omar, self.vera):
            ui.close()
        self.door.stop()
        self.room.close()
        self.bank.stop()


def _person(slack: LocalSlack | SlackServer, user: str) -> Someone:
    return slack.person(user) if isinstance(slack, SlackServer) else SlackUi(slack.url, user)


def _shows(message: dict[str, Any], text: str) -> bool:
    return text in json.dumps(message, ensure_ascii=False)
