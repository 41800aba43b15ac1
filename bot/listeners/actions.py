"""Clicks on buttons: acknowledged first, then permitted, then answered with a window or a private message."""

from __future__ import annotations

import json
import re

from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from bot.blocks import modals
from bot.blocks.path import path_view
from bot.context import Bot
from bot.errors import SlackError
from bot.listeners import home, listing
from bot.listeners.approvals import open_answer
from bot.listeners.drawing import send_picture
from bot.listeners.opening import Overtaken, open_act, open_view, show_view
from bot.listeners.refusals import refusal, refusals_told
from bot.listeners.visit import Body, Visit, of_click, window_of
from bot.targets import (
    ACTIONS_BY_ID,
    APPROVE,
    HOME,
    LIST,
    LOOK,
    LOOK_AWAY,
    PATH,
    PICTURE,
    REJECT,
    STEPS,
    OldButton,
    PathWindow,
    unpack_answer,
    unpack_look,
    unpack_report,
    unpack_target,
)
from engine.errors import RetriggerError


def register(app: App, bot: Bot) -> None:
    """Listen to every button of ours."""

    def on_click(ack: Ack, body: Body, client: WebClient, respond: Respond) -> None:
        ack()
        visit = of_click(bot, body)
        with refusals_told(bot, visit):
            try:
                click(bot, client, respond, visit, body)
            except RetriggerError as error:
                if not body.get("view") or isinstance(error, SlackError):  # a second window would not open, either
                    raise
                _refuse(bot, client, visit, body, error)

    app.action(re.compile(r"^retrigger\."))(on_click)


def click(bot: Bot, client: WebClient, respond: Respond, visit: Visit, body: Body) -> None:
    """Do what the button stands for. Raises RetriggerError."""
    pressed = body["actions"][0]
    name, value = pressed["action_id"], pressed.get("value") or ""
    if name.startswith(f"{HOME}."):
        home.choose(bot, client, visit, pressed)
    elif name.startswith(f"{LIST}."):
        listing.turn(bot, respond, visit, unpack_report(value))
    elif name.startswith(f"{STEPS}."):
        turn_path(bot, client, visit, body, value)
    elif name in (APPROVE, REJECT):
        open_answer(bot, client, visit, body["trigger_id"], unpack_answer(value))
    elif name == LOOK:
        bot.engine.look(visit.person.actor, *unpack_look(value))
    elif name == LOOK_AWAY:
        bot.engine.look_away(visit.person.actor, unpack_look(value).request_id)
    elif name == PATH:
        target = unpack_target(value)
        document = bot.engine.document(visit.person.actor, target.request_id)
        view = path_view(document, bot.dates, PathWindow(target.request_id, visit.place))
        open_view(client, body["trigger_id"], view, _on_top(body))
    elif name == PICTURE:
        send_picture(bot, client, visit, body, unpack_target(value))
    elif name in ACTIONS_BY_ID:
        act = ACTIONS_BY_ID[name]
        open_act(bot, client, visit, body["trigger_id"], act, unpack_target(value), on_top=_on_top(body))
    else:
        raise OldButton


def turn_path(bot: Bot, client: WebClient, visit: Visit, body: Body, value: str) -> None:
    """Other steps of a long Progress Path, in its window."""
    window = window_of(body)
    if window is None:
        raise OldButton
    _, page = json.loads(value)
    document = bot.engine.document(visit.person.actor, window.request_id)
    show_view(client, body["view"]["id"], path_view(document, bot.dates, window._replace(page=page)))


def _on_top(body: Body) -> bool:
    """Whether what is opened comes on top of a window."""
    return (body.get("view") or {}).get("type") == "modal"


def _refuse(bot: Bot, client: WebClient, visit: Visit, body: Body, error: RetriggerError) -> None:
    """In a window or App Home nobody sees what a channel says privately. Raises SlackError."""
    message = error.message if isinstance(error, Overtaken) else refusal(bot, error, visit)
    if isinstance(error, Overtaken):
        bot.refresh(error.request_id)
    open_view(client, body["trigger_id"], modals.told_modal("Nothing was done", message), _on_top(body))
