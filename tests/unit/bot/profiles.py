"""A Slack that has profiles of people, and their groups as the bot has read them."""

from __future__ import annotations

from typing import Any

from slack_sdk.errors import SlackApiError

from bot.groups import Groups
from tests.unit.bot.user_groups import Kept
from tests.unit.bot.user_groups import Slack as GroupsOf

HANNA = {"id": "U1", "real_name": "Hanna Lead", "profile": {"email": "hanna@example.com"}}


class Slack:
    """Stands for the client: users.info, or trouble."""

    def __init__(self, profile: dict[str, Any]) -> None:
        self.profile: dict[str, Any] | None = profile
        self.asked = 0

    def auth_test(self) -> dict[str, Any]:
        return {"team_id": "T1"}

    def users_info(self, user: str) -> dict[str, Any]:
        self.asked += 1
        if self.profile is None:
            raise SlackApiError("no", {"ok": False, "error": "user_not_found"})
        return {"user": self.profile}


def groups(*listed: dict[str, Any]) -> Groups:
    known = Groups(GroupsOf(*listed), Kept())  # type: ignore[arg-type]  # fakes have what is called of them
    known.refresh()
    return known
