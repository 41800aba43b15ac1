"""A whole Slack side for a test: a real engine on SQLite, the bot, and a local Slack with people in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot.door import SlackDoor
from engine.functions import function
from engine.permissions import Grant, Permission
from retrigger.demo.local_slack import LocalSlack
from storage.outbox import SqlOutbox
from tests.support.engine import Room
from tests.support.localslack import StartLocalSlack
from tests.support.slack_checks import check_message, check_view
from tests.support.slack_ui import SlackUi

CHANNEL = "C0HR"
BOT_TOKEN = "xoxb-test"
APP_TOKEN = "xapp-test"
PEOPLE = {"U1": "Hanna Lead", "U2": "Omar Ops", "U3": "Vera Viewer"}
WORKSPACE = {
    "workspace": {"name": "Test", "domain": "test", "teamId": "T1"},
    "apps": [
        {
            "appId": "A1",
            "botUserId": "U0BOT",
            "botName": "Retrigger",
            "botToken": BOT_TOKEN,
            "appToken": APP_TOKEN,
            "mode": "socket",
        }
    ],
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
    """Everything together. ``hanna`` and ``omar`` may act, ``vera`` may see."""

    def __init__(self, url: str, slack: LocalSlack, outside: Outside) -> None:
        self.slack, self.outside = slack, outside
        self.room = Room(url, told=True)
        self.room.publish(WORKFLOW)
        self.room.store.add_grant(Grant("U2", Permission.TAKE_ACTION, "HR", "Hanna Lead"))
        self.outbox = SqlOutbox(self.room.store)
        self.room.start()
        self.door = self.new_door()
        self._ui: dict[str, SlackUi] = {}

    def new_door(self, api_url: str | None = None, **facts: Any) -> SlackDoor:
        """A Slack side that is not started yet."""
        settings = {"bot_token": BOT_TOKEN, "app_token": APP_TOKEN, "plain_dates": True, "poll": 0.02, **facts}
        return SlackDoor(
            self.room.engine, self.outbox, {"HR": CHANNEL}, base_url=api_url or self.slack.api_url, **settings
        )

    def open(self) -> None:
        self.door.start()
        eventually(lambda: self.door.socket.connected, "the socket")

    def person(self, user: str) -> SlackUi:
        if user not in self._ui:
            self._ui[user] = SlackUi(self.slack.url, user)
        return self._ui[user]

    @property
    def hanna(self) -> SlackUi:
        return self.person("U1")

    @property
    def omar(self) -> SlackUi:
        return self.person("U2")

    @property
    def vera(self) -> SlackUi:
        return self.person("U3")

    def blocked(self, name: str = "Ada") -> tuple[int, dict[str, Any]]:
        """A request that is Blocked, and its card."""
        number = self.room.submit("onboarding", {"name": name})
        self.room.wait(number, "blocked")
        return number, self.hanna.message(CHANNEL, f"REQ-{number} · Onboard")

    def card(self, number: int, text: str) -> dict[str, Any]:
        """The card, once it shows ``text``."""
        return self.hanna.message(CHANNEL, text)

    def settled(self) -> None:
        """Everything that is to be told has been told."""
        eventually(lambda: self.outbox.waiting()[0] == 0, "an empty outbox")

    def close(self) -> None:
        for ui in self._ui.values():
            for message in ui.messages(CHANNEL):
                check_message(message["text"], message.get("blocks", []))
            ui.close()
        self.door.stop()
        self.room.close()


def eventually(found: Callable[[], Any], what: str = "it", seconds: float = 10.0) -> Any:
    """Poll until ``found`` gives something true, and give that."""
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, f"{what} did not come about in {seconds:.0f} s"
        time.sleep(0.01)
    return value


@pytest.fixture
def outside() -> Outside:
    global _outside
    _outside = Outside()
    return _outside


@pytest.fixture
def office(sqlite_url: str, start_local_slack: StartLocalSlack, outside: Outside) -> Iterator[Office]:
    office = Office(sqlite_url, start_local_slack(WORKSPACE), outside)
    try:
        office.open()
        yield office
    finally:
        office.close()


__all__ = ["CHANNEL", "Office", "check_view", "eventually"]
