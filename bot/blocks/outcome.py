"""What a person is told privately: the outcome of their act, or why nothing was done and what has happened since."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from bot.blocks import fit
from bot.blocks.fit import Message
from bot.blocks.modals import TITLES
from bot.blocks.parts import section
from bot.blocks.thread import Told, line, sentence, stopped, why
from bot.text import Dates, bold, code
from engine import events
from engine.commands.documents import RequestDocument
from engine.rules.allowed import Action
from engine.texts import CONTINUE_FLOW


def outcome(told: Sequence[Told], document: RequestDocument, markers: Sequence[str] = ()) -> Message:
    """What came of an act, and where the request stands now (SPEC 7: not only that the click was accepted).

    ``markers``: of each event, as in a card."""
    texts = [f"{document.id}: {_what(event, document.number)}." for event in told]
    texts[-1] += f" The request is {bold(document.status.label)}.{_waits(told[-1], document)}"
    marked = zip_longest(texts, markers, fillvalue="")
    return fit.message("\n".join(texts), [section(text, block_id=marker) for text, marker in marked])


def _waits(event: Told, document: RequestDocument) -> str:
    if event.kind not in (events.COMPLETED, events.STATUS) or Action.CONTINUE not in document.actions:
        return ""
    behind = "The steps behind it" if event.kind == events.COMPLETED else "The steps that remain"
    return f" {behind} wait for {bold(CONTINUE_FLOW)}."


def _what(event: Told, request_id: int) -> str:
    if event.kind == events.COMPLETED:
        return f"recovered: {sentence(event, request_id)}"
    if event.kind != events.STATUS:
        return f"{sentence(event, request_id)}{why(event)}"
    if events.is_stuck(event.data):
        return f"the flow cannot go on by itself: {stopped(event)}"
    return "the flow has ended"


def overtaken(document: RequestDocument, action: Action, node: str | None, dates: Dates) -> Message:
    """The act is not possible any more, or not yet: the present state, what happened lately, what is possible now."""
    step = document.step(node) if node else None
    parts = [f"{bold(TITLES[action])}: nothing was done."]
    if step is not None:
        parts.append(f"{code(step.node)} is {bold(step.status.value)}.")
    parts.append(f"{document.id} is {bold(document.status.label)}.")
    parts += [f"\n• {line(event, document.number, dates)}" for event in _lately(document, node)]
    offered = dict.fromkeys([*(step.actions if step else ()), *document.actions])
    if offered:
        parts.append(f"\nPossible now: {', '.join(TITLES[one] for one in offered)} (`/retrigger {document.id}`).")
    text = f"{TITLES[action]}: nothing was done. {document.id} is {document.status.label}."
    return fit.message(text, [section(" ".join(parts))])


def _lately(document: RequestDocument, node: str | None) -> list[Told]:
    """The last act, which is who was first, and what has come of it last."""
    told: list[Told] = [e for e in document.events if e.kind in events.THREAD and e.node in (node, None)]
    act = next((event for event in reversed(told) if event.kind in events.ACTS), None)
    return told[-2:] if act is None or act in told[-2:] else [act, *told[-2:]]
