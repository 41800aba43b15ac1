"""Provide input: which of editor, file and draft counts, and what is shown of what the result will do (SPEC 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from bot.blocks.provide import BODY, is_long
from bot.context import Bot
from bot.errors import SlackError
from bot.files import FIELD, read_file, send_file
from bot.listeners.typed import Submitted
from bot.listeners.visit import Visit
from bot.targets import ChosenFile, Target, Ticket
from engine.errors import InvalidInput
from engine.logs import logger
from engine.rules.outlook import Outlook
from engine.rules.permissions import Actor
from engine.rules.plan import Plan

log = logger(__name__)


class Provided(NamedTuple):
    """The JSON text that counts. ``field`` is where its errors are shown; ``file`` where it came from, if from one."""

    text: str
    field: str
    file: ChosenFile | None = None


def provided(bot: Bot, actor: Actor, ticket: Ticket, submitted: Submitted) -> Provided:
    """A file that was chosen now; else what was typed; else the file of the window before; else the draft that was too
    long for the editor: it is the same as long as the step is, and expect_version sees to that. Raises InvalidInput,
    NotPermitted."""
    target = ticket.target
    file = submitted.file or (ticket.file if submitted.body is None else None)
    if file is not None:
        bot.engine.permitted(actor, target.request_id)  # before anything is fetched
        return Provided(read_file(bot.client, file), FIELD, file)
    if submitted.body is not None:
        return Provided(submitted.body, BODY)
    if ticket.prefilled and target.node is not None:
        return Provided(bot.engine.input_draft(actor, target.request_id, target.node), BODY)
    raise InvalidInput("The editor is empty. Write the step's result as JSON, or choose a file.", "result")


def ways_shown(outlook: Outlook) -> str | None:
    """Stands for the ways that a window shows; None where no decision lies behind."""
    return hashlib.sha256(repr(outlook.ways).encode()).hexdigest()[:12] if outlook.ways else None


def goes_another_way(bot: Bot, actor: Actor, ticket: Ticket, given: Provided, plan: Callable[[], Plan | None]) -> bool:
    """Whether a decision would go another way than the window has shown. Raises InvalidInput."""
    now = plan() if ticket.ways is not None else None
    return now is not None and ways_shown(bot.engine.outlook(actor, now, given.text)) != ticket.ways


def send_long_draft(bot: Bot, visit: Visit, target: Target) -> None:
    """To a person whose window could not hold the text to start from: the whole of it, as a file to edit."""
    if not bot.files or target.node is None:
        return
    draft = bot.engine.input_draft(visit.person.actor, target.request_id, target.node)
    if not is_long(draft):
        return
    comment = (
        f"The text to start from, for {target.node} of REQ-{target.request_id}. Edit it, then choose it in the window."
    )
    try:
        send_file(bot.client, visit.user, f"REQ-{target.request_id}-{target.node}.json", draft, comment)
    except SlackError as error:
        log.warning("slack.unsent", says=f"A text to start from could not be sent: {error}", user=visit.user)
        bot.whisper(visit.place, visit.user, f"The text to start from could not be sent to you as a file. {error}")
