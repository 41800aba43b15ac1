"""The Bolt app: our listeners, on Bolt's plumbing."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

from slack_bolt import App

from bot.context import Bot
from bot.listeners import actions, answering, commands, home, views

THREADS = 32  # listeners at once; Bolt's own 5 are used up by five slow clicks

log = logging.getLogger(__name__)


def create_app(bot: Bot, *, signing_secret: str | None = None, token_verification_enabled: bool = False) -> App:
    """Socket Mode needs no ``signing_secret``. The token is not verified here: Slack may be away at the start."""
    plumbing = logging.getLogger("bot.bolt")
    plumbing.setLevel(logging.ERROR)  # below that, Bolt explains itself to the authors of listeners
    app = App(
        client=bot.client,
        logger=plumbing,
        signing_secret=signing_secret or "",
        token_verification_enabled=token_verification_enabled,
        listener_executor=ThreadPoolExecutor(THREADS, thread_name_prefix="slack"),
    )
    for listeners in (actions, views, answering, commands, home):
        listeners.register(app, bot)
    app.error(_log_error)
    return app


def _log_error(error: Exception) -> None:
    log.error("A Slack listener failed: %s", error, exc_info=error)
