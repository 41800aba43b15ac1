"""An answer at the address that came with a click or a command; where Slack does not take it there, in another way."""

from __future__ import annotations

from slack_bolt import Respond

from bot.blocks.fit import Message
from bot.context import Bot
from bot.listeners.visit import Visit


def answer(bot: Bot, respond: Respond, visit: Visit, message: Message, *, replace: bool = False) -> None:
    """Privately; ``replace``: in the place of the message that was clicked on. The address takes five answers in half
    an hour, and Slack may be in trouble. Never fails."""
    try:
        response = respond(
            text=message.text, blocks=message.blocks, response_type="ephemeral", replace_original=replace
        )
        taken = response.status_code == 200
    except Exception:  # whatever it is, the person is answered
        taken = False
    if not taken:
        bot.whisper(visit.place, visit.user, message)
