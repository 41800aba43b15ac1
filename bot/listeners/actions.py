"""Clicks on buttons: acknowledged first, then permitted, then answered with a window or a private message."""

from __future__ import annotations

import re

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.blocks.path import path_view
from bot.context import Bot
from bot.listeners.answering import open_answer
from bot.listeners.answers import refusals_told
from bot.listeners.opening import open_act, open_view
from bot.listeners.visit import Body, Visit, of_click
from bot.targets import ACTIONS_BY_ID, APPROVE, PATH, REJECT, OldButton, unpack_answer, unpack_target


def register(app: App, bot: Bot) -> None:
    """Listen to every button of ours."""

    def on_click(ack: Ack, body: Body, client: WebClient) -> None:
        ack()
        visit = of_click(bot, body)
        with refusals_told(bot, visit):
            click(bot, client, visit, body)

    app.action(re.compile(r"^retrigger\."))(on_click)


def click(bot: Bot, client: WebClient, visit: Visit, body: Body) -> None:
    """Open what the button stands for. Raises RetriggerError."""
    pressed = body["actions"][0]
    action_id, value, trigger_id = pressed["action_id"], pressed.get("value") or "", body["trigger_id"]
    if action_id in (APPROVE, REJECT):
        open_answer(bot, client, visit, trigger_id, unpack_answer(value))
    elif action_id == PATH:
        document = bot.engine.document(visit.person.actor, unpack_target(value).request_id)
        open_view(client, trigger_id, path_view(document, bot.dates))
    elif action_id in ACTIONS_BY_ID:
        open_act(bot, client, visit, trigger_id, ACTIONS_BY_ID[action_id], unpack_target(value))
    else:
        raise OldButton
