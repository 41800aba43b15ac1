"""/retrigger, answered privately."""

from __future__ import annotations

from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from bot.blocks import grants, lists
from bot.blocks.fit import Message
from bot.blocks.outcome import overtaken
from bot.blocks.parts import paragraph
from bot.blocks.path import path_message
from bot.command_line import Give, Listed, Show, Start, Typed, Word, app_of, meant, no_such_step, parse, which_step
from bot.context import Bot
from bot.errors import unexpected
from bot.listeners import granting
from bot.listeners.answer import answer
from bot.listeners.listing import blocked_message
from bot.listeners.opening import Overtaken, open_act
from bot.listeners.refusals import refusal
from bot.listeners.visit import Body, Visit, of_command
from bot.targets import Report, Target
from bot.text import Dates
from engine.commands.documents import RequestDocument
from engine.errors import NotPermitted, RetriggerError
from engine.logs import logger
from engine.rules.allowed import Action
from engine.rules.permissions import Actor

REQUEST_ACTIONS = (Action.CONTINUE, Action.WITHDRAW)  # those that need no step

log = logger(__name__)


def register(app: App, bot: Bot) -> None:
    """Listen to the command."""

    def on_command(ack: Ack, body: Body, client: WebClient, respond: Respond) -> None:
        ack()
        visit = of_command(bot, body)
        message = answer_to(bot, client, visit, body)
        if message is not None:
            answer(bot, respond, visit, message)

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
        log.exception("listener.failed", says="A command failed.")
        return paragraph(unexpected(raised))


def _answer(bot: Bot, visit: Visit, typed: Typed) -> Message:
    if typed is Word.HELP:
        return lists.help_message()
    person = visit.person
    if isinstance(typed, Show):
        return path_message(bot.engine.document(person.actor, typed.request_id), bot.dates)
    if isinstance(typed, Listed):
        return blocked_message(bot, person.actor, Report(_app_of(bot, person.actor, typed)))
    if typed is Word.GRANTS:
        return granting.listed(bot, person)
    if isinstance(typed, Give):
        return granting.give(bot, visit, typed)
    held = bot.engine.whoami(person.actor)
    return grants.whoami(person.actor, held, person.note, bot.people.mention, bot.dates)


def _app_of(bot: Bot, actor: Actor, listed: Listed) -> str | None:
    """None: all. Raises Misspelt, and NotPermitted unless it was no try to see anything, but a misspelt command."""
    if not listed.typed:
        return None
    misspelt = meant(listed)
    try:
        return app_of(listed, bot.engine.apps(actor, tried=misspelt is None))
    except NotPermitted:
        if misspelt is None:
            raise
        raise misspelt from None


def _start(bot: Bot, client: WebClient, visit: Visit, trigger_id: str, typed: Start) -> None:
    bot.engine.permitted(visit.person.actor, typed.request_id)  # first, so that the refusal names what was tried
    if typed.action not in REQUEST_ACTIONS:
        document = bot.engine.document(visit.person.actor, typed.request_id)
        typed = _with_step(document, typed, bot.dates)
    open_act(bot, client, visit, trigger_id, typed.action, Target(typed.request_id, typed.node))


def _with_step(document: RequestDocument, typed: Start, dates: Dates) -> Start:
    """The step that was named, or the only one that offers the act. Raises Misspelt, Overtaken."""
    if typed.node is not None:
        if document.step(typed.node) is None:
            raise no_such_step(typed, (step.node for step in document.steps))
        return typed
    offer = [step.node for step in document.steps if typed.action in step.actions]
    if not offer:
        raise Overtaken(document.number, overtaken(document, typed.action, None, dates))
    if len(offer) > 1:
        raise which_step(typed, offer)
    return typed._replace(node=offer[0])
