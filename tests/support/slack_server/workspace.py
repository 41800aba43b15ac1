"""What is in the workspace: people, groups, channels, messages, views, files. Every change wakes those who wait."""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from typing import Any

Json = dict[str, Any]

SCOPES = (
    "chat:write,commands,users:read,users:read.email,usergroups:read,files:read,files:write,"
    "channels:history,groups:history,im:history,im:write,channels:read,groups:read"
)


class Refused(Exception):
    """A call that Slack answers with ``ok: false``."""

    def __init__(self, code: str, **more: Any) -> None:
        self.code, self.more = code, more
        super().__init__(code)


class Workspace:
    """``facts`` in the local Slack's own format, and ``usergroups: [{id, handle, name, users}]``. A test may change
    what is here while it holds ``changed``; ``token_error`` and ``scopes`` are the app's. A trigger_id lives for
    ``patience`` seconds."""

    def __init__(self, facts: Json, patience: float) -> None:
        app = facts["apps"][0]
        self.changed = threading.Condition()
        self.name, self.domain = facts["workspace"]["name"], facts["workspace"]["domain"]
        self.team: str = facts["workspace"]["teamId"]
        self.app_id, self.bot_user, self.bot_name = app["appId"], app["botUserId"], app["botName"]
        self.bot_token, self.app_token = app["botToken"], app["appToken"]
        self.users: dict[str, Json] = {user["id"]: _user(user, self.team) for user in facts["users"]}
        bot = {"id": self.bot_user, "name": "retrigger", "real_name": self.bot_name, "is_bot": True}
        self.users[self.bot_user] = _user(bot, self.team)
        self.channels: dict[str, Json] = {c["id"]: {"is_archived": False, **c} for c in facts["channels"]}
        self.groups: list[Json] = list(facts.get("usergroups", []))
        self.messages: dict[str, Json] = {}  # by ts, oldest first
        self.views: dict[str, Json] = {}
        self.stacks: dict[str, list[str]] = {user: [] for user in self.users}  # ids of each person's open modals
        self.errors: dict[str, dict[str, str]] = {}  # that a person sees in the modal on top
        self.homes: dict[str, Json] = {}
        self.files: dict[str, Json] = {}
        self.scopes = SCOPES
        self.token_error = ""
        self.url = ""  # of the web server
        self.hooks: dict[str, list[str]] = {}  # by response_url: [channel, user, thread, times left, message]
        self.refused: list[str] = []
        self._patience = patience
        self._triggers: dict[str, tuple[str, float]] = {}
        self._spent: set[str] = set()
        self._numbers = itertools.count(1)
        self._last_ts = 0

    def id(self, letter: str) -> str:
        return f"{letter}{next(self._numbers):08d}"

    def ts(self) -> str:
        """A time that nothing else has."""
        with self.changed:
            self._last_ts = max(self._last_ts + 1, time.time_ns() // 1000)
            return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def channel(self, name: str) -> Json:
        """By its id; of a person, the direct messages with them. Raises Refused."""
        if name in self.users:
            direct = {"id": f"D{name}", "name": "", "members": [name, self.bot_user], "is_im": True}
            return self.channels.setdefault(f"D{name}", {"is_archived": False, **direct})
        if name not in self.channels:
            raise Refused("channel_not_found")
        return self.channels[name]

    def writable(self, name: str) -> Json:
        """A channel in which the bot may post. Raises Refused."""
        channel = self.channel(name)
        if channel["is_archived"]:
            raise Refused("is_archived")
        if self.bot_user not in channel["members"]:
            raise Refused("not_in_channel")
        return channel

    def trigger(self, user: str) -> str:
        """A new trigger_id for what a person did just now."""
        trigger = secrets.token_hex(8)
        with self.changed:
            self._triggers[trigger] = (user, time.monotonic())
        return trigger

    def use(self, trigger: str) -> str:
        """Whose trigger it is; good once, and not for long. Raises Refused."""
        if trigger in self._spent:
            raise Refused("exchanged_trigger_id")
        if trigger not in self._triggers:
            raise Refused("invalid_trigger_id")
        user, made_at = self._triggers.pop(trigger)
        self._spent.add(trigger)
        if time.monotonic() - made_at > self._patience:
            raise Refused("expired_trigger_id")
        return user

    def hook(self, channel: str, user: str, thread: str = "", ts: str = "") -> str:
        """A new response_url; ``ts``: of the message that was clicked on, which it may replace."""
        url = f"{self.url}/respond/{secrets.token_hex(8)}"
        with self.changed:
            self.hooks[url] = [channel, user, thread, "5", ts]
        return url

    def add(self, message: Json) -> Json:
        """Add a message, as everybody sees it."""
        with self.changed:
            whole = {"type": "message", "ts": self.ts(), "team": self.team, **message}
            self.messages[whole["ts"]] = whole
            self.changed.notify_all()
            return whole


def with_ids(blocks: list[Json]) -> list[Json]:
    """As Slack does: a block without an id gets one."""
    return [{"block_id": secrets.token_hex(3), **block} for block in blocks]


def _user(facts: Json, team: str) -> Json:
    profile = {"real_name": facts.get("real_name", ""), **({"email": facts["email"]} if "email" in facts else {})}
    return {"team_id": team, "deleted": False, "is_bot": False, "is_restricted": False, "profile": profile, **facts}
