"""Approve and Reject: from the click to the window, and from its submit to the engine's command (SPEC 2, 5)."""

from __future__ import annotations

from typing import Any

from slack_bolt import App
from slack_sdk import WebClient

from bot.blocks.ask import IDS, LABELS, REASON, Ask, answer_modal, is_open, overtaken
from bot.blocks.fit import Message
from bot.context import Bot
from bot.errors import unexpected
from bot.listeners.carry_out import SubmitEnd
from bot.listeners.opening import Overtaken, open_loading
from bot.listeners.refusals import sentence
from bot.listeners.typed import text_of
from bot.listeners.views import Kind, listen
from bot.listeners.visit import Visit
from bot.targets import Answer, AskTicket, unpack_ask_ticket
from engine.commands.documents import RequestDocument
from engine.errors import Conflict, RetriggerError
from engine.logs import logger

log = logger(__name__)


def register(app: App, bot: Bot) -> None:
    """Listen to submitted answers; clicks come by bot.listeners.actions."""

    def about(ticket: AskTicket) -> tuple[str, int]:
        return LABELS[ticket.answer.yes], ticket.answer.request_id

    listen(app, bot, IDS.values(), Kind(unpack_ask_ticket, about, carry_out))


def open_answer(bot: Bot, client: WebClient, visit: Visit, trigger_id: str, answer: Answer) -> None:
    """Open the window, for who is asked. Raises NotAnApprover, Overtaken."""
    document, ask = _asked(bot, visit, answer)
    if not is_open(ask, document):
        raise Overtaken(answer.request_id, overtaken(ask, document, bot.dates))
    ticket = AskTicket(answer, visit.place)
    open_loading(client, trigger_id, LABELS[answer.yes], lambda: answer_modal(ticket, document))


def carry_out(bot: Bot, visit: Visit, ticket: AskTicket, state: dict[str, Any], command_id: str) -> SubmitEnd:
    """Never raises: whatever comes, the person is answered."""
    answer = ticket.answer
    try:
        accepted = bot.engine.answer(
            visit.person.actor,
            answer.request_id,
            answer.node,
            answer.yes,
            reason=text_of(state, REASON),
            expect_attempt=answer.attempt,
            command_id=command_id,
        )
    except Conflict as error:
        return SubmitEnd({REASON: str(error)}, told=_since(bot, visit, answer) or str(error), stale=True)
    except RetriggerError as error:
        return SubmitEnd({REASON: sentence(error, visit)})
    except Exception as raised:
        log.exception("listener.failed", says="An answer could not be carried out.")
        return SubmitEnd({REASON: unexpected(raised)})
    if accepted.repeated:
        return SubmitEnd(done=True)
    did = "approved" if answer.yes else "rejected"
    return SubmitEnd(told=f"You {did} {answer.node} of REQ-{answer.request_id}.", done=True)


def _since(bot: Bot, visit: Visit, answer: Answer) -> Message | None:
    try:
        document, ask = _asked(bot, visit, answer)
    except RetriggerError:
        return None
    return overtaken(ask, document, bot.dates)


def _asked(bot: Bot, visit: Visit, answer: Answer) -> tuple[RequestDocument, Ask]:
    """The approval as this person is asked: by those of the approvers that mean them."""
    document, names = bot.engine.asked(visit.person.actor, answer.request_id, answer.node)
    return document, Ask(answer.node, answer.attempt, names)
