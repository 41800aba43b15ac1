"""Who came from where: what Slack's payloads have in common, read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bot.context import Bot
from bot.people import People, Person
from bot.targets import OldButton, PathWindow, Place, unpack_window

Body = dict[str, Any]


@dataclass(frozen=True)
class Visit:
    """Somebody's click, command or submit."""

    people: People
    team: str
    user: str
    name: str
    place: Place

    @cached_property
    def person(self) -> Person:
        """Who they are to the engine. Asks Slack, unless it is known."""
        return self.people.person(self.team, self.user, self.name)


def of_click(bot: Bot, body: Body) -> Visit:
    """A click on a button of a message, a window or App Home."""
    user = body["user"]
    if body.get("view"):
        return Visit(bot.people, _team(body), user["id"], _name(user), _of_view(body["view"]))
    container = body.get("container") or {}
    message = body.get("message") or {}
    channel = (body.get("channel") or {}).get("id") or container.get("channel_id") or None
    thread = message.get("thread_ts") or container.get("thread_ts")
    if thread is None and not _ephemeral(container, message):
        thread = message.get("ts") or container.get("message_ts")
    return Visit(bot.people, _team(body), user["id"], _name(user), Place(channel, thread if channel else None))


def of_submit(bot: Bot, body: Body, place: Place) -> Visit:
    """A submitted window; ``place`` is where it was opened from."""
    return Visit(bot.people, _team(body), body["user"]["id"], _name(body["user"]), place)


def of_command(bot: Bot, body: Body) -> Visit:
    """A slash command."""
    place = Place(body.get("channel_id") or None)
    return Visit(bot.people, body.get("team_id", ""), body["user_id"], body.get("user_name", ""), place)


def window_of(body: Body) -> PathWindow | None:
    """The Progress Path in whose window somebody clicked, if it was one."""
    view = body.get("view") or {}
    if view.get("type") != "modal":
        return None
    try:
        return unpack_window(view.get("private_metadata") or "")
    except OldButton:
        return None


def _of_view(view: dict[str, Any]) -> Place:
    """A window with a Progress Path knows where it was opened from."""
    if view.get("type") == "home":
        return Place(home=view.get("private_metadata") or "")
    window = window_of({"view": view})
    return Place() if window is None else window.place


def _team(body: Body) -> str:
    return str((body.get("team") or {}).get("id") or body["user"].get("team_id") or "")


def _name(user: dict[str, Any]) -> str:
    return str(user.get("name") or user.get("username") or user["id"])


def _ephemeral(container: dict[str, Any], message: dict[str, Any]) -> bool:
    return bool(container.get("is_ephemeral")) or message.get("subtype") == "ephemeral"
