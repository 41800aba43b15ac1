"""The Progress Path: every step with its status, its attempts and tags such as "Re-triggered by @name, 10:42"."""

from __future__ import annotations

from bot.blocks import fit
from bot.blocks.card import reason_to_tell, step_sections
from bot.blocks.fit import Block, Message
from bot.blocks.parts import actions, button, context, divider, header, section, sections
from bot.targets import ACTION_IDS, Target
from bot.text import Dates, bold, code, one_line, said
from bot.words import REQUEST_SYMBOLS, STEP_SYMBOLS, counted
from engine.allowed import Action
from engine.documents import AttemptDocument, RequestDocument, StepDocument
from engine.states import AttemptKind, AttemptOutcome, StepStatus
from engine.texts import CONTINUE_FLOW, PROGRESS_PATH, WITHDRAW

MAX_ATTEMPTS = 6  # of a step's attempts, the latest are shown


def path_view(document: RequestDocument, dates: Dates) -> dict[str, object]:
    """As a window, opened from a card."""
    hint = f"To act, use the buttons of the card, or `/retrigger {document.id}`."
    blocks = [*_top(document, dates), *sections([_step(step, dates) for step in document.steps])]
    return fit.modal(PROGRESS_PATH, [*blocks, context(hint)], close="Close")


def path_message(document: RequestDocument, dates: Dates) -> Message:
    """As a private message. What may be done now stands first: a long path may not fit behind it."""
    blocks = [
        *_top(document, dates),
        *step_sections(document, dates, waiting=True),
        *_request_buttons(document),
        divider(),
    ]
    blocks += sections([_step(step, dates) for step in document.steps])
    return fit.message(said(f"{PROGRESS_PATH} of {document.id}: {document.status.label}"), blocks)


def _top(document: RequestDocument, dates: Dates) -> list[Block]:
    facts = [
        f"{REQUEST_SYMBOLS[document.status]} {bold(document.status.label)}",
        said(document.app),
        f"{said(document.workflow)}, version {document.version}",
        f"requested by {said(document.requester)}",
        dates.day(document.created_at),
    ]
    reason = reason_to_tell(document)
    told = f"\n> {said(reason)}" if reason else ""
    return [header(f"{document.id} · {one_line(document.title, 120)}"), section(" · ".join(facts) + told)]


def _request_buttons(document: RequestDocument) -> list[Block]:
    value = Target(document.number).pack()
    labels = {Action.CONTINUE: (CONTINUE_FLOW, "primary"), Action.WITHDRAW: (WITHDRAW, "danger")}
    offered = [
        button(label, ACTION_IDS[action], value, style=style)
        for action, (label, style) in labels.items()
        if action in document.actions
    ]
    return [actions(offered, block_id="request")] if offered else []


def _step(step: StepDocument, dates: Dates) -> str:
    status = bold(step.status.label) if step.status is StepStatus.BLOCKED else step.status.label
    inside = "      " if step.part_of else ""
    facts = [f"{inside}{STEP_SYMBOLS[step.status]} {code(step.node)}", status]
    if len(step.attempts) > 1:
        facts.append(counted(len(step.attempts), "attempt"))
    if step.recoveries:
        facts.append(counted(step.recoveries, "automatic recovery", "automatic recoveries"))
    facts += [word for word, holds in (("held", step.held), ("stale", step.stale)) if holds]
    if step.waits_for:
        until = f", until {dates.time(step.wakes_at)}" if step.wakes_at else ""
        facts.append(f"for {said(step.waits_for, 300)}{until}")
    if step.status is StepStatus.WAITING and step.due_at:
        facts.append(f"due {dates.time(step.due_at)}")
    shown = step.attempts[-MAX_ATTEMPTS:] if _worth_telling(step) else ()
    hidden = len(step.attempts) - len(shown)
    earlier = [f"   … {counted(hidden, 'earlier attempt')}"] if shown and hidden else []
    return "\n".join([" · ".join(facts), *earlier, *(f"   ↳ {_attempt(attempt, dates)}" for attempt in shown)])


def _worth_telling(step: StepDocument) -> bool:
    """A step that went well at once, with no person's hand, needs no second line."""
    return len(step.attempts) != 1 or step.attempts[0].outcome is not AttemptOutcome.SUCCEEDED or bool(step.acts)


def _attempt(attempt: AttemptDocument, dates: Dates) -> str:
    outcome = attempt.outcome.value if attempt.outcome else "running"
    facts = [f"{attempt.number}. {attempt.kind.value.replace('_', ' ')}: {outcome}"]
    if attempt.call is not None:
        facts.append(f"call {attempt.call.label}")
    facts.append(dates.time(attempt.ended_at or attempt.started_at))
    if attempt.workflow_version:
        facts.append(f"version {attempt.workflow_version}")
    if attempt.error:
        facts.append(said(attempt.error, 160))
    if attempt.late:
        facts.append("late result, kept as evidence")
    return " · ".join([*facts, *_tags(attempt, dates)])


def _tags(attempt: AttemptDocument, dates: Dates) -> list[str]:
    if not attempt.by:
        return []
    person, when = said(attempt.by).replace("_", " "), dates.time(attempt.started_at)
    why = f" ({said(attempt.reason, 160)})" if attempt.reason else ""
    if attempt.kind is AttemptKind.RETRIGGER:
        return [f"_Re-triggered by @{person}, {when}_{why}"]
    if attempt.kind is AttemptKind.PROVIDED_INPUT:
        return [f"_Input provided by @{person}, {when}_{why}"]
    return [f"_After @{person} {said(attempt.did or 'acted')}, {when}_"]
