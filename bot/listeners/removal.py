"""The app was taken out of the workspace, or its token was: nothing more is told there."""

from __future__ import annotations

from slack_bolt import App

from bot.context import Bot
from bot.listeners.visit import Body


def register(app: App, bot: Bot) -> None:
    """Listen to the two events that say so; they may come in any order."""

    def on_uninstalled(body: Body) -> None:
        bot.gate.shut(str(body.get("team_id", "")), "app_uninstalled")

    def on_revoked(body: Body) -> None:
        tokens = body["event"].get("tokens") or {}
        if tokens.get("bot"):  # a person's own token is none of ours
            bot.gate.shut(str(body.get("team_id", "")), "tokens_revoked")

    app.event("app_uninstalled")(on_uninstalled)
    app.event("tokens_revoked")(on_revoked)
