"""Who is in the demo's Slack, and in which channel: what the local Slack shows and the demo's grants name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Person:
    """A user of the demo's workspace."""

    id: str
    name: str
    real_name: str

    @property
    def email(self) -> str:
        """The address that grants name."""
        return f"{self.name}@example.com"


HANNA = Person("U0HANNA", "hanna", "Hanna Lead")
OMAR = Person("U0OMAR", "omar", "Omar Ops")
VERA = Person("U0VERA", "vera", "Vera Viewer")
PERMISSIONS = {HANNA: "admin", OMAR: "take_action", VERA: "view_reports"}
PEOPLE = tuple(PERMISSIONS)

TEAM_ID = "T0DEMO"
CHANNEL_ID = "C0HROPS"
CHANNEL_NAME = "hr-operations"
BOT_USER_ID = "U0RETRIGGER"
BOT_TOKEN = "xoxb-retrigger-demo"
APP_TOKEN = "xapp-retrigger-demo"


def workspace() -> dict[str, Any]:
    """The local Slack's configuration: the people, the bot, and the channel they share."""
    return {
        "workspace": {"name": "Retrigger demo", "domain": "retrigger-demo", "teamId": TEAM_ID},
        "apps": [
            {
                "appId": "A0RETRIGGER",
                "botUserId": BOT_USER_ID,
                "botName": "Retrigger",
                "botToken": BOT_TOKEN,
                "appToken": APP_TOKEN,
                "mode": "socket",
            }
        ],
        "users": [
            {"id": person.id, "name": person.name, "real_name": person.real_name, "email": person.email}
            for person in PEOPLE
        ],
        "channels": [
            {
                "id": CHANNEL_ID,
                "name": CHANNEL_NAME,
                "members": [*(person.id for person in PEOPLE), BOT_USER_ID],
            }
        ],
    }
