"""The Bolt app: our listeners, on Bolt's plumbing."""

from __future__ import annotations

import logging
from collections.abc import Callable

from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult

from bot.arrival import Arrival
from bot.context import Bot
from bot.listeners import actions, approvals, causes, commands, home, removal, views
from bot.threads import Threads
from engine.logs import logger

LISTENERS = (actions, causes, views, approvals, commands, home, removal)

log = logger(__name__)


def create_app(bot: Bot, threads: Threads) -> App:
    """For payloads that are known to be Slack's: those of Socket Mode, and those whose signature was found right."""
    plumbing = logging.getLogger("bot.bolt")
    plumbing.setLevel(logging.ERROR)  # below that, Bolt explains itself to the authors of listeners
    app = App(
        client=bot.client,
        logger=plumbing,
        authorize=_authorize(bot),
        before_authorize=Arrival(threads).arrive,
        request_verification_enabled=False,  # bot.http_mode checks the signature, on the bytes
        listener_executor=threads,
    )
    for listeners in LISTENERS:
        listeners.register(app, bot)
    app.error(_log_error)
    return app


def _authorize(bot: Bot) -> Callable[..., AuthorizeResult]:
    """One workspace, one token. Bolt's own way asks Slack, when something comes in, who the bot is."""

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=bot.client.token)

    return authorize


def _log_error(error: Exception) -> None:
    log.error("listener.failed", says=f"A Slack listener failed: {error}", exc_info=error)
