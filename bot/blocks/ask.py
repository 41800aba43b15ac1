"""What asks people for their approval, the window in which they answer, and what became of it (SPEC 2)."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from bot.blocks import fit
from bot.blocks.fit import Block, Message
from bot.blocks.parts import actions, button, context, header, section, text_input
from bot.blocks.thread import line
from bot.targets import APPROVE, REJECT, Answer, AskTicket
from bot.text import Dates, bold, code, cut, one_line, said
from engine import events
from engine.commands.documents import AttemptDocument, EventDocument, RequestDocument, StepDocument
from engine.graph import REJECTED
from engine.limits import MAX_REASON_CHARS
from engine.states import AttemptOutcome, RequestStatus

REASON = "reason"
LABELS = {True: "Approve", False: "Reject"}
IDS = {True: APPROVE, False: REJECT}
SHOWN_INPUT = 2_500  # characters of a request's input in the window


class Ask(NamedTuple):
    """An approval as one message asks for it: of a step, at an attempt, from some of its approvers. ``names`` are
    masked; ``mentions`` are what Slack makes a mention of, for those of them whom the message does not reach itself."""

    node: str
    attempt: int
    names: tuple[str, ...]
    mentions: tuple[str, ...] = ()


def ask_message(ask: Ask, document: RequestDocument, dates: Dates, marker: str = "ask") -> Message:
    """It asks as long as an answer of these people is waited for; then it says what became of it."""
    top: Block = {**header(f"Approval · {document.id} · {one_line(document.title, 110)}"), "block_id": marker}
    step = document.step(ask.node)
    if step is not None and is_open(ask, document):
        blocks = [section(_question(ask)), section(_facts(step, document, dates)), *_so_far(ask, document, dates)]
        blocks.append(actions([_button(ask, document, yes) for yes in (True, False)], block_id="answer"))
        return fit.message(f"{document.id}: {ask.node} waits for your approval: {said(document.title)}", [top, *blocks])
    became = what_became(ask, document, dates)
    return fit.message(f"{document.id}: {ask.node}: {became}", [top, section(f"{code(ask.node)}: {became}")])


def is_open(ask: Ask, document: RequestDocument) -> bool:
    """Whether an answer of these people is still waited for."""
    step, attempt = _of(ask, document)
    if step is None or attempt is None or attempt.outcome is not None or not step.approvers:
        return False
    return not set(ask.names) <= set(step.approved)


def what_became(ask: Ask, document: RequestDocument, dates: Dates) -> str:
    """Who answered, or why no answer is waited for any more."""
    step, attempt = _of(ask, document)
    answers = "".join(f"\n{line(event, document.number, dates)}" for event in _answers(ask, document))
    if step is None or attempt is None:
        return "it is no longer asked for."
    if attempt.outcome is None:
        missing = [name for name in step.approvers if name not in step.approved]
        return f"✅ answered. It waits for {said(', '.join(missing), 600)} still.{answers}"
    if attempt.outcome is AttemptOutcome.CANCELLED:
        return f"{_why_void(ask, document, dates)}{answers}"
    if any(event.kind == events.REJECTED for event in _answers(ask, document)):
        return f"⛔ rejected.{answers}"
    if attempt.outcome is AttemptOutcome.SUCCEEDED and not _left_by_rejected(ask, document):
        return f"✅ approved.{answers}"
    what = "it is taken as rejected" if attempt.outcome is AttemptOutcome.SUCCEEDED else "the step is blocked"
    return f"🕒 not enough have approved in time, so {what} ({dates.time(attempt.ended_at or 0)}).{answers}"


def answer_modal(ticket: AskTicket, document: RequestDocument) -> dict[str, Any]:
    """The window: what it is about, and why it is answered so."""
    node, yes = ticket.answer.node, ticket.answer.yes
    blocks = [
        section(f"{bold(document.title)}\n{code(node)} of {document.id} · {said(document.app)}"),
        section(f"Requested by {said(document.requester)}. The request's input:\n{_given(document.input)}"),
        text_input(
            REASON,
            "Reason",
            placeholder="Shown in the thread and kept in the audit",
            longest=MAX_REASON_CHARS,
            multiline=True,
        ),
    ]
    label = LABELS[yes]
    return fit.modal(label, blocks, callback_id=IDS[yes], submit=label, metadata=ticket.pack())


def overtaken(ask: Ask, document: RequestDocument, dates: Dates) -> Message:
    """A click came too late: nothing was done, and what has happened since (SPEC 5)."""
    became = what_became(ask, document, dates)
    text = f"Nothing was done. {code(ask.node)} of {document.id}: {became}"
    return fit.message(f"{document.id}: nothing was done; {ask.node} is no longer asked.", [section(text)])


def _of(ask: Ask, document: RequestDocument) -> tuple[StepDocument | None, AttemptDocument | None]:
    step = document.step(ask.node)
    attempts = step.attempts if step is not None else ()
    return step, next((attempt for attempt in attempts if attempt.number == ask.attempt), None)


def _question(ask: Ask) -> str:
    if not ask.mentions:
        return f"{code(ask.node)} waits for your approval."
    return f"{code(ask.node)} waits for the approval of {', '.join(ask.mentions)}."


def _facts(step: StepDocument, document: RequestDocument, dates: Dates) -> str:
    facts = [said(document.app), said(document.workflow), f"requested by {said(document.requester)}"]
    facts.append(dates.day(document.created_at))
    asked = "Each of these must approve" if step.need == "all" else "One answer decides"
    facts_of_all = f"{asked}: {said(', '.join(step.approvers), 600)}."
    until = f" Answer until {dates.day(step.wakes_at)}." if step.wakes_at else ""
    return f"{' · '.join(facts)}\n{facts_of_all}{until}"


def _so_far(ask: Ask, document: RequestDocument, dates: Dates) -> list[Block]:
    answers = [line(event, document.number, dates) for event in _answers(ask, document)]
    return [context("\n".join(answers))] if answers else []


def _answers(ask: Ask, document: RequestDocument) -> list[EventDocument]:
    answered = (events.APPROVED, events.REJECTED)
    return [e for e in document.events if e.kind in answered and (e.node, e.attempt) == (ask.node, ask.attempt)]


def _left_by_rejected(ask: Ask, document: RequestDocument) -> bool:
    mine = [event for event in document.events if (event.node, event.attempt) == (ask.node, ask.attempt)]
    return any(e.kind == events.COMPLETED and (e.data or {}).get("outlet") == REJECTED for e in mine)


def _why_void(ask: Ask, document: RequestDocument, dates: Dates) -> str:
    """An approval is void when its step is re-triggered, the request is withdrawn, or the flow goes another way."""
    for event in document.events:
        again = event.kind in (events.RETRIGGERED, events.RETRIGGERED_FLOW) and event.node == ask.node
        if again and event.attempt == ask.attempt + 1:
            return f"void; it is asked for anew.\n{line(event, document.number, dates)}"
        if event.kind == events.WITHDRAWN:
            return f"no longer asked for.\n{line(event, document.number, dates)}"
    status = f" {document.id} is {document.status.label}." if document.status is not RequestStatus.IN_PROGRESS else ""
    return f"no longer asked for: the flow went another way.{status}"


def _button(ask: Ask, document: RequestDocument, yes: bool) -> Block:
    value = Answer(document.number, ask.node, ask.attempt, yes).pack()
    return button(LABELS[yes], IDS[yes], value, style="primary" if yes else "danger")


def _given(value: Any) -> str:
    """The request's input, a line for each of its fields."""
    fields = value.items() if isinstance(value, dict) else [("input", value)]
    lines = [f"• {said(str(name), 100)}: {said(_as_text(item))}" for name, item in fields]
    return cut("\n".join(lines), SHOWN_INPUT)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
