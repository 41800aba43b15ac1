"""App Home: published anew each time somebody opens it."""

from __future__ import annotations

import logging

from slack_bolt import App
from slack_sdk import WebClient

from bot.blocks.home import home_view
from bot.context import Bot
from bot.errors import translate
from bot.listeners.visit import Body
from engine.errors import RetriggerError
from engine.states import RequestStatus

SHOWN = 20  # blocked requests

log = logging.getLogger(__name__)


def register(app: App, bot: Bot) -> None:
    """Listen to people opening App Home."""

    def on_opened(body: Body, client: WebClient) -> None:
        event = body["event"]
        if event.get("tab", "home") == "home":
            publish(bot, client, str(body.get("team_id", "")), event["user"])

    app.event("app_home_opened")(on_opened)


def publish(bot: Bot, client: WebClient, team: str, user: str) -> None:
    """Show a person their App Home. Never fails: there is nobody to tell but the log."""
    try:
        actor = bot.people.person(team, user).actor
        blocked = bot.engine.documents(actor, status=RequestStatus.BLOCKED, limit=SHOWN, oldest_first=True)
        view = home_view(bot.engine.counts(actor), blocked, bot.dates)
        client.views_publish(user_id=user, view=view)
    except RetriggerError as error:
        log.warning("The App Home of %s could not be shown: %s", user, error)
    except Exception as raised:
        log.warning("The App Home of %s could not be shown: %s", user, translate(raised))
