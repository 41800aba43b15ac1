"""What people are told when their click, command or submit is refused or fails."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from bot.context import Bot
from bot.errors import unexpected
from bot.listeners.opening import Overtaken
from bot.listeners.visit import Visit
from engine.errors import NotPermitted, RetriggerError

log = logging.getLogger(__name__)


@contextmanager
def refusals_told(bot: Bot, visit: Visit) -> Iterator[None]:
    """Whatever is refused or fails within is told to the person, privately."""
    try:
        yield
    except Overtaken as error:
        bot.whisper(visit.place, visit.user, error.message)
        bot.refresh(error.request_id)
    except RetriggerError as error:
        bot.whisper(visit.place, visit.user, refusal(error, visit))
    except Exception as raised:
        log.exception("A listener failed.")
        bot.whisper(visit.place, visit.user, unexpected(raised))


def refusal(error: RetriggerError, visit: Visit) -> str:
    """The sentence, with what is known of why the person's grants may not count."""
    note = visit.person.note if isinstance(error, NotPermitted) else None
    return f"{error} {note}" if note else str(error)
