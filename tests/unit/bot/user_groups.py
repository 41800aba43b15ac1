"""A Slack that has user groups, and a database that keeps texts."""

from __future__ import annotations

from typing import Any

from slack_sdk.errors import SlackApiError

ADMINS = {"id": "S1", "handle": "hr-admins", "users": ["U1", "U2"]}
OPS = {"id": "S2", "handle": "ops", "users": ["U2"]}


class Slack:
    """Stands for the client: usergroups.list, or trouble."""

    def __init__(self, *listed: dict[str, Any]) -> None:
        self.listed = listed
        self.trouble: str | None = None
        self.asked = 0

    def usergroups_list(self, *, include_users: bool, include_disabled: bool) -> dict[str, Any]:
        self.asked += 1
        if self.trouble:
            raise SlackApiError("no", {"ok": False, "error": self.trouble})
        return {"usergroups": list(self.listed)}


class Kept:
    """A database that keeps texts."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def kept(self, name: str) -> str | None:
        return self.texts.get(name)

    def keep(self, name: str, value: str) -> None:
        self.texts[name] = value
