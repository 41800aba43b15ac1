"""From a click or a command to the window of an act: permitted, checked against the present state, then shown."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from time import sleep
from typing import Any, TypeVar

from slack_sdk import WebClient

from bot.blocks import modals
from bot.blocks.fit import Message
from bot.blocks.modals import Typed
from bot.blocks.outcome import overtaken
from bot.blocks.provide import is_long
from bot.context import Bot
from bot.errors import RateLimited, SlackError, Unreachable, ViewGone, translate, unexpected
from bot.listeners import providing
from bot.listeners.providing import Provided
from bot.listeners.visit import Visit
from bot.targets import Settled, Target, Ticket
from bot.text import Dates
from engine.commands.documents import RequestDocument
from engine.errors import NoSuchStep, RetriggerError
from engine.logs import logger
from engine.rules.allowed import Action
from engine.rules.permissions import Actor
from engine.rules.plan import Plan

PAUSE, LONGEST_PAUSE = 1.0, 3.0  # seconds before Slack is asked once more; the others' clicks wait for such threads

T = TypeVar("T")

log = logger(__name__)


class Overtaken(RetriggerError):
    """The button is older than the present state; ``message`` says what has happened since (SPEC 5)."""

    def __init__(self, request_id: int, message: Message) -> None:
        self.request_id, self.message = request_id, message
        super().__init__(message.text)


def open_act(
    bot: Bot,
    client: WebClient,
    visit: Visit,
    trigger_id: str,
    action: Action,
    target: Target,
    *,
    on_top: bool = False,
) -> None:
    """Open the window, ``on_top`` of the one that was clicked in. Raises RetriggerError with the sentence for the
    person."""
    actor = visit.person.actor
    bot.engine.permitted(actor, target.request_id)
    document = bot.engine.document(actor, target.request_id)
    target = present(document, action, target, bot.dates)
    ticket = Ticket(action, target, visit.place)
    open_loading(client, trigger_id, modals.TITLES[action], lambda: act_view(bot, actor, document, ticket), on_top)
    if action is Action.INPUT:
        bot.later(providing.send_long_draft, bot, visit, target)


def open_loading(
    client: WebClient, trigger_id: str, title: str, make: Callable[[], dict[str, Any]], on_top: bool = False
) -> None:
    """Open a window at once, since a click's permission to lasts 3 s, and then show in it what ``make`` gives."""
    view_id = open_view(client, trigger_id, modals.loading_modal(title), on_top)
    try:
        view = make()
    except RetriggerError as error:
        view = modals.notice_modal(title, str(error))
    except Exception as raised:  # or the window would go on loading for ever
        log.exception("listener.failed", says="A window could not be made.")
        view = modals.notice_modal(title, unexpected(raised))
    show_surely(client, view_id, view)


def act_view(
    bot: Bot,
    actor: Actor,
    document: RequestDocument,
    ticket: Ticket,
    *,
    typed: Typed | None = None,
    notice: str = "",
    given: Provided | None = None,
) -> dict[str, Any]:
    """The window for the present state; its ticket is bound to the plan that it lists. ``given``: what was provided in
    the window before."""
    plan = plan_of(bot, actor, ticket)
    confirm = ticket.confirm or plan.needs_confirmation
    bound, editing = ticket._replace(digest=plan.digest, shown=shown(plan), confirm=confirm), None
    if ticket.action is Action.INPUT:
        bound, editing = _editing(bot, actor, bound, plan, given)
    return modals.act_modal(bound, document, plan, editing=editing, typed=typed, notice=notice)


def _editing(
    bot: Bot, actor: Actor, ticket: Ticket, plan: Plan, given: Provided | None
) -> tuple[Ticket, modals.Editing]:
    """What Provide input shows, and the ticket bound to it."""
    draft = ""
    if given is None and ticket.target.node is not None:
        draft = bot.engine.input_draft(actor, ticket.target.request_id, ticket.target.node)
    outlook = bot.engine.outlook(actor, plan, given.text if given else draft, draft=True)
    bound = ticket._replace(
        prefilled=is_long(draft), ways=providing.ways_shown(outlook), file=given.file if given else None
    )
    return bound, modals.Editing(draft, outlook, bot.files)


def plan_of(bot: Bot, actor: Actor, ticket: Ticket) -> Plan:
    """What the act would run now, with what was chosen before. Raises what the act would be refused with."""
    chosen = ticket.settled or Settled()
    target = ticket.target
    return bot.engine.plan(actor, target.request_id, ticket.action, target.node, chosen.new_key, chosen.version)


def shown(plan: Plan) -> str:
    """Stands for what a window lists of a plan: a state that changed without changing this changes nothing."""
    return hashlib.sha256(repr([plan.stops, *map(tuple, plan.runs)]).encode()).hexdigest()[:12]


def present(document: RequestDocument, action: Action, target: Target, dates: Dates) -> Target:
    """The target at its present version: the step's, or the request's revision. Raises Overtaken when its step has
    changed, or does not offer the act."""
    if target.node is None:
        if action in document.actions:
            return target._replace(version=document.revision)
        raise Overtaken(document.number, overtaken(document, action, None, dates))
    step = document.step(target.node)
    if step is None:
        raise NoSuchStep(target.node, document.number, (step.node for step in document.steps))
    if target.version not in (None, step.version) or action not in step.actions:
        raise Overtaken(document.number, overtaken(document, action, target.node, dates))
    return target._replace(version=step.version)


def open_view(client: WebClient, trigger_id: str, view: dict[str, Any], on_top: bool = False) -> str:
    """Open a window, ``on_top`` of another one or by itself; returns its id. Raises SlackError."""
    try:
        show = client.views_push if on_top else client.views_open
        opened = str(show(trigger_id=trigger_id, view=view)["view"]["id"])
    except Exception as raised:
        raise translate(raised) from raised
    log.info("window.opened", window=opened)
    return opened


def show_surely(client: WebClient, view_id: str, view: dict[str, Any]) -> bool:
    """As show_view, for a window that would say for ever that it is at work."""
    return surely(lambda: show_view(client, view_id, view))


def surely(ask: Callable[[], T]) -> T:
    """Where Slack limits or stumbles, it is asked once more. Raises SlackError."""
    try:
        return ask()
    except (RateLimited, Unreachable) as error:
        sleep(min(error.wait or PAUSE, LONGEST_PAUSE))
    return ask()


def show_view(client: WebClient, view_id: str, view: dict[str, Any]) -> bool:
    """Let an open window show something else. False when the person closed it. Raises SlackError."""
    try:
        client.views_update(view_id=view_id, view=view)
    except Exception as raised:
        error: SlackError = translate(raised)
        if isinstance(error, ViewGone):
            return False
        raise error from raised
    return True
