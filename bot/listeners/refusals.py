"""What people are told when their click, command or submit is refused or fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bot.blocks import grants
from bot.blocks.fit import Message
from bot.blocks.parts import paragraph
from bot.context import Bot
from bot.errors import RateLimited, Unreachable, unexpected
from bot.listeners.opening import Overtaken
from bot.listeners.visit import Visit
from engine.errors import NotAnApprover, NotPermitted, RetriggerError
from engine.logs import logger

log = logger(__name__)


@contextmanager
def refusals_told(bot: Bot, visit: Visit) -> Iterator[None]:
    """Whatever is refused or fails within is told to the person, privately."""
    try:
        yield
    except Overtaken as error:
        bot.whisper(visit.place, visit.user, error.message)
        bot.refresh(error.request_id)
    except RetriggerError as error:
        bot.whisper(visit.place, visit.user, refusal(bot, error, visit))
    except Exception as raised:
        log.exception("listener.failed", says="A listener failed.")
        bot.whisper(visit.place, visit.user, unexpected(raised))


def refusal(bot: Bot, error: RetriggerError, visit: Visit) -> Message:
    """Why nothing was done; with what is known of why the person's grants may not count."""
    if isinstance(error, NotPermitted):
        return grants.not_permitted(error, visit.person.note, bot.people.mention)
    return paragraph(sentence(error, visit))


def sentence(error: RetriggerError, visit: Visit) -> str:
    """The same as plain text, for a field of a window."""
    if isinstance(error, NotPermitted):
        error = NotPermitted(error.permission, error.app, tuple(map(visit.people.title, error.ask)))
    if isinstance(error, (Unreachable, RateLimited)):
        return f"{error} Nothing was done; please try again."
    note = visit.person.note if isinstance(error, (NotPermitted, NotAnApprover)) else None
    return f"{error} {note}" if note else str(error)
