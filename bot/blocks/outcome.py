"""What the person who acted is told: the outcome, not only that the click was accepted (SPEC 7)."""

from __future__ import annotations

from bot.blocks import fit
from bot.blocks.fit import Message
from bot.blocks.parts import section
from bot.blocks.thread import Told, sentence
from bot.text import Dates, bold
from engine import events
from engine.allowed import Action
from engine.documents import RequestDocument
from engine.texts import CONTINUE_FLOW


def outcome(event: Told, document: RequestDocument, dates: Dates) -> Message:
    """What came of an act, and where the request stands now."""
    text = f"{document.id}: {sentence(event, document.number)}. {_stands(document)}"
    if event.kind == events.COMPLETED and Action.CONTINUE in document.actions:
        text += f" The steps behind it wait for {bold(CONTINUE_FLOW)}."
    return fit.message(text, [section(f"{text} · {dates.time(event.at)}")])


def _stands(document: RequestDocument) -> str:
    return f"The request is {bold(document.status.label)}."
