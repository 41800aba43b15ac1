"""Clicks on a cause card, and the window of a bulk re-trigger being submitted."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.blocks.bulk import OPTION, RATE, REASON, bulk_modal
from bot.context import Bot
from bot.errors import unexpected
from bot.listeners.carry_out import SubmitEnd
from bot.listeners.opening import open_loading
from bot.listeners.refusals import refusals_told, sentence
from bot.listeners.typed import given, text_of
from bot.listeners.views import Kind, listen
from bot.listeners.visit import Body, Visit, of_click
from bot.targets import BULK, BULK_STOP, BulkTicket, OldButton, unpack_bulk
from engine import texts
from engine.errors import InvalidInput, RetriggerError
from engine.limits import BULK_RATE
from engine.logs import logger

_FIELDS = {"rate": RATE, "reason": REASON}

log = logger(__name__)


def register(app: App, bot: Bot) -> None:
    """Listen to the buttons of cause cards, and to their window."""

    def on_click(ack: Ack, body: Body, client: WebClient) -> None:
        ack()
        visit = of_click(bot, body)
        with refusals_told(bot, visit):
            click(bot, client, visit, body)

    app.action(BULK)(on_click)
    app.action(BULK_STOP)(on_click)
    listen(app, bot, [BULK], Kind(unpack_bulk, lambda ticket: (texts.BULK_TITLE, 0), begin))


def click(bot: Bot, client: WebClient, visit: Visit, body: Body) -> None:
    """Open the preview, or stop what is under way. Raises RetriggerError."""
    pressed, actor = body["actions"][0], visit.person.actor
    number = _number(pressed.get("value"))
    if pressed["action_id"] == BULK_STOP:
        bot.bulk.stop(actor, number)
        return
    bot.bulk.permitted(actor, number)

    def view() -> dict[str, Any]:
        preview = bot.bulk.preview(actor, number)
        return bulk_modal(preview, BulkTicket(preview.run.id, visit.place).pack())

    open_loading(client, body["trigger_id"], texts.BULK_TITLE, view)


def begin(bot: Bot, visit: Visit, ticket: BulkTicket, state: dict[str, Any], command_id: str) -> SubmitEnd:
    """Never raises: whatever comes, the person is answered. A preview can be begun once, whatever the command's id."""
    try:
        flow = _chosen(state, OPTION, "flow") == "flow"
        rate = _number(_chosen(state, RATE, str(BULK_RATE)))
        run = bot.bulk.begin(visit.person.actor, ticket.run_id, flow=flow, rate=rate, reason=text_of(state, REASON))
    except InvalidInput as error:
        return SubmitEnd({_FIELDS.get(error.field or "", REASON): str(error)})
    except RetriggerError as error:
        return SubmitEnd({REASON: sentence(error, visit)})
    except Exception as raised:
        log.exception("listener.failed", says="A bulk re-trigger could not be begun.")
        return SubmitEnd({REASON: unexpected(raised)})
    follows = f"Bulk re-trigger {run.id} begins; the card shows how it goes, and you are told the end."
    return SubmitEnd(told=bot.goes_on(follows), done=True)


def _chosen(state: dict[str, Any], field: str, preset: str) -> str:
    """Some servers do not send a choice that was left as it was."""
    option = given(state, field).get("selected_option") or {}
    return str(option.get("value") or preset)


def _number(text: object) -> int:
    if not str(text).isdecimal():
        raise OldButton
    return int(str(text))
