"""/retrigger, answered privately."""

from __future__ import annotations

import logging

from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from bot.blocks import fit, grants, lists
from bot.blocks.fit import Message
from bot.blocks.parts import section
from bot.blocks.path import path_message
from bot.command_line import Give, Show, Start, Typed, Word, no_such_step, parse
from bot.context import Bot
from bot.errors import unexpected
from bot.listeners import granting
from bot.listeners.answers import refusal
from bot.listeners.opening import Overtaken, open_act
from bot.listeners.visit import Body, Visit, of_command
from bot.targets import Target
from bot.text import escape
from engine.errors import RetriggerError
from engine.states import RequestStatus

log = logging.getLogger(__name__)


def register(app: App, bot: Bot) -> None:
    """Listen to the command."""

    def on_command(ack: Ack, body: Body, client: WebClient, respond: Respond) -> None:
        ack()
        visit = of_command(bot, body)
        answer = answer_to(bot, client, visit, body)
        if answer is not None:
            respond(text=answer.text, blocks=answer.blocks, response_type="ephemeral", replace_original=False)

    app.command("/retrigger")(on_command)


def answer_to(bot: Bot, client: WebClient, visit: Visit, body: Body) -> Message | None:
    """The private answer; None when a window answers."""
    try:
        typed = parse(body.get("text") or "")
        if isinstance(typed, Start):
            _start(bot, client, visit, body["trigger_id"], typed)
            return None
        return _answer(bot, visit, typed)
    except Overtaken as error:
        return error.message
    except RetriggerError as error:
        return refusal(bot, error, visit)
    except Exception as raised:
        log.exception("A command failed.")
        return _sentence(unexpected(raised))


def _answer(bot: Bot, visit: Visit, typed: Typed) -> Message:
    if typed is Word.HELP:
        return lists.help_message()
    person = visit.person
    if isinstance(typed, Show):
        return path_message(bot.engine.document(person.actor, typed.request_id), bot.dates)
    if typed is Word.WHOAMI:
        held = bot.engine.whoami(person.actor)
        return grants.whoami(person.actor, held, person.note, bot.people.mention, bot.dates)
    if typed is Word.GRANTS:
        return granting.listed(bot, person)
    if isinstance(typed, Give):
        return granting.give(bot, person, typed)
    blocked = bot.engine.documents(person.actor, status=RequestStatus.BLOCKED, limit=lists.PAGE + 1, oldest_first=True)
    return lists.blocked_list(blocked, bot.dates)


def _start(bot: Bot, client: WebClient, visit: Visit, trigger_id: str, typed: Start) -> None:
    if typed.node is not None:
        document = bot.engine.document(visit.person.actor, typed.request_id)
        if document.step(typed.node) is None:
            raise no_such_step(typed.request_id, typed.node, (step.node for step in document.steps))
    open_act(bot, client, visit, trigger_id, typed.action, Target(typed.request_id, typed.node))


def _sentence(text: str) -> Message:
    return fit.message(escape(text), [section(escape(text))])
