"""Submitted windows: checked and committed first, then acknowledged, so that errors show in the window (SPEC 7).

After 2 s they are acknowledged with a "Working" window, which then shows how it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import TimeoutError as TookLong
from contextvars import copy_context
from functools import partial
from time import sleep
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.blocks import modals
from bot.blocks.again import shown_again
from bot.context import Bot
from bot.errors import SlackError
from bot.listeners import home
from bot.listeners.carry_out import SubmitEnd, carry_out
from bot.listeners.opening import show_surely
from bot.listeners.typed import values
from bot.listeners.visit import Body, Visit, of_submit
from bot.targets import ACTION_IDS, OldButton, Place, Ticket, unpack_ticket
from engine.logs import logger

PATIENCE = 2.0  # seconds; Slack takes a window for dead after 3
SETTLING = 0.5  # seconds until Slack surely shows the "Working" window; an update that overtakes it would be lost
ASKED_AGAIN = "Nothing was done yet: the window shows the plan once more. If you closed it, use the button again."

log = logger(__name__)


class Window(NamedTuple):
    """The window that was submitted. ``carry_out`` does what it is for, once for a command id, and never raises;
    ``again`` gives it once more, with what was typed and why."""

    id: str
    title: str
    request_id: int
    visit: Visit
    carry_out: Callable[[str], SubmitEnd]
    again: Callable[[str], dict[str, Any]]


class Placed(Protocol):
    """What a window is for; it knows where it was opened from."""

    @property
    def place(self) -> Place: ...


T = TypeVar("T", bound=Placed)


class Kind(NamedTuple, Generic[T]):
    """Windows of one kind: what their metadata says, their title and request (0: none), and what they are for."""

    unpack: Callable[[str], T]
    about: Callable[[T], tuple[str, int]]
    carry_out: Callable[[Bot, Visit, T, dict[str, Any], str], SubmitEnd]


def register(app: App, bot: Bot) -> None:
    """Listen to the windows of acts being submitted."""

    def about(ticket: Ticket) -> tuple[str, int]:
        return modals.TITLES[ticket.action], ticket.target.request_id

    listen(app, bot, ACTION_IDS.values(), Kind(unpack_ticket, about, carry_out))


def listen(app: App, bot: Bot, callback_ids: Iterable[str], kind: Kind[T]) -> None:
    """Listen to windows of this kind being submitted."""

    def on_submit(ack: Ack, body: Body, client: WebClient) -> None:
        view = body["view"]
        try:
            ticket = kind.unpack(view.get("private_metadata") or "")
        except OldButton as error:
            ack(response_action="update", view=modals.notice_modal("Retrigger", str(error)))
            return
        visit = of_submit(bot, body, ticket.place)
        state = values(view)
        run = partial(kind.carry_out, bot, visit, ticket, state)
        again = partial(shown_again, view, state)
        _submit(bot, ack, client, Window(view["id"], *kind.about(ticket), visit, run, again))

    for callback_id in callback_ids:
        app.view(callback_id)(on_submit)


def _submit(bot: Bot, ack: Ack, client: WebClient, window: Window) -> None:
    """Carry the act out and acknowledge, in the order that the time allows."""
    command_id = f"slack:{window.visit.team}/{window.visit.user}:{window.id}"
    future = bot.submits.submit(copy_context().run, window.carry_out, command_id)
    try:
        ended = future.result(PATIENCE)
    except TookLong:
        ack(response_action="update", view=modals.working_modal(window.title))
        future.add_done_callback(lambda done: bot.later(_finish_late, bot, client, window, done.result()))
        return
    _acknowledge(ack, ended)
    bot.later(_tell, bot, window, ended)


def _acknowledge(ack: Ack, ended: SubmitEnd) -> None:
    if ended.errors:
        ack(response_action="errors", errors=ended.errors)
    elif ended.view is not None:
        ack(response_action="update", view=ended.view)
    else:
        ack(response_action="clear")  # what lies below shows the state before the act


def _finish_late(bot: Bot, client: WebClient, window: Window, ended: SubmitEnd) -> None:
    """The "Working" window stands; let it say how it ended, and tell it privately too, in case it was closed."""
    sleep(SETTLING)
    said = " ".join((ended.errors or {}).values()) or ended.sentence or (ASKED_AGAIN if ended.view else "")
    view = ended.view or _again(window, ended, said) or modals.notice_modal(window.title, said or "Done.")
    try:
        show_surely(client, window.id, view)
    except SlackError as error:
        log.info("window.unshown", says=f"A window could not show how its act ended: {error}")
    _tell(bot, window, ended if ended.told else ended._replace(told=said))


def _again(window: Window, ended: SubmitEnd, notice: str) -> dict[str, Any] | None:
    """The window that had made way, for what was typed is kept (SPEC 4); None where nothing in it can be mended."""
    return window.again(notice) if ended.errors and not ended.stale else None


def _tell(bot: Bot, window: Window, ended: SubmitEnd) -> None:
    if ended.told:
        bot.whisper(window.visit.place, window.visit.user, ended.told, in_thread=not ended.done)
    place, team, user = window.visit.place, window.visit.team, window.visit.user
    if ended.done and place.home is not None:
        home.publish(bot, bot.client, team, user, place.home)
    if ended.stale:
        bot.refresh(window.request_id)
