"""The Progress Path: every step with its status, its attempts and tags such as "Re-triggered by @name, 10:42"."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from bot.blocks import fit
from bot.blocks.card import step_sections
from bot.blocks.fit import Block, Message
from bot.blocks.parts import actions, button, context, divider, header, section, sections
from bot.targets import ACTION_IDS, NEWER, OLDER, PATH, PICTURE, STEPS, PathWindow, Target
from bot.text import Dates, bold, code, one_line, said
from bot.words import REQUEST_SYMBOLS, STEP_SYMBOLS, counted
from engine.commands.documents import AttemptDocument, EventDocument, RequestDocument, StepDocument
from engine.rules.allowed import Action
from engine.states import MOVING, AttemptKind, AttemptOutcome, StepStatus
from engine.texts import CONTINUE_FLOW, PROGRESS_PATH, REMOVED, REMOVED_WHAT, WITHDRAW

MAX_ATTEMPTS = 6  # of a step's attempts, the latest are shown
WINDOW_PAGE = 12_000  # characters of steps in a window; what is longer has pages
MESSAGE_PAGE = 5_000


def path_view(document: RequestDocument, dates: Dates, window: PathWindow) -> dict[str, object]:
    """As a window, opened from a card, a list or App Home. What may be done now stands first."""
    pages = _pages(document, dates, WINDOW_PAGE)
    page = _where_it_stands(pages) if window.page is None else max(0, min(window.page, len(pages) - 1))
    blocks = [*_top(document, dates), *step_sections(document, dates, waiting=True)]
    blocks += [*_request_buttons(document, [_picture(document)]), divider()]
    blocks += [*_part(document, pages, page), *sections([text for _, text in pages[page]])]
    blocks += [
        *_turn(document, len(pages), page),
        context(f"All of this can be typed, too: `/retrigger {document.id}`."),
    ]
    return fit.modal(PROGRESS_PATH, blocks, close="Close", metadata=window._replace(page=page).pack())


def path_message(document: RequestDocument, dates: Dates) -> Message:
    """As a private message. Of a long path, the part where it stands; the window shows all of it."""
    pages = _pages(document, dates, MESSAGE_PAGE)
    page = _where_it_stands(pages)
    more = [_picture(document)]
    if len(pages) > 1:
        more.append(button("All steps", PATH, Target(document.number).pack()))
    blocks = [*_top(document, dates), *step_sections(document, dates, waiting=True)]
    blocks += [*_request_buttons(document, more), divider()]
    blocks += [*_part(document, pages, page), *sections([text for _, text in pages[page]])]
    return fit.message(said(f"{PROGRESS_PATH} of {document.id}: {document.status.label}"), blocks)


_Page = list[tuple[StepDocument, str]]


def _pages(document: RequestDocument, dates: Dates, budget: int) -> list[_Page]:
    """The steps in their order, with what is said of each, in parts of at most ``budget`` characters."""
    pages: list[_Page] = [[]]
    size = 0
    not_begun = document.not_begun()
    for step in document.steps:
        text = _step(step, not_begun.get(step.node, ()), dates)
        if pages[-1] and size + len(text) > budget:
            pages.append([])
            size = 0
        pages[-1].append((step, text))
        size += len(text)
    return pages


def _where_it_stands(pages: list[_Page]) -> int:
    """The page with the first step that is blocked; without one, that moves, then that a person acted on."""
    for place, page in enumerate(pages):
        if any(step.status is StepStatus.BLOCKED for step, _ in page):
            return place
    for place, page in enumerate(pages):
        if any(step.status in MOVING for step, _ in page):
            return place
    return next((place for place, page in enumerate(pages) if any(step.acts for step, _ in page)), 0)


def _part(document: RequestDocument, pages: list[_Page], page: int) -> list[Block]:
    """Which of the steps are shown, and how all of them stand, when it is not all."""
    if len(pages) == 1:
        return []
    first = sum(map(len, pages[:page])) + 1
    counts = Counter(step.status for step in document.steps)
    numbers = " · ".join(f"{STEP_SYMBOLS[status]} {counts[status]} {status.value}" for status in counts)
    shown = f"Steps {first} to {first + len(pages[page]) - 1} of {len(document.steps)} are shown here."
    return [context(f"{bold(shown)}  All of them: {numbers}")]


def _turn(document: RequestDocument, pages: int, page: int) -> list[Block]:
    """To the pages before and behind."""
    there = [
        button(label, f"{STEPS}{which}", json.dumps([document.number, to]))
        for label, which, to in (("← Earlier steps", OLDER, page - 1), ("Later steps →", NEWER, page + 1))
        if 0 <= to < pages
    ]
    return [actions(there, block_id="steps")] if there else []


def _picture(document: RequestDocument) -> Block:
    return button("Picture", PICTURE, Target(document.number).pack())


def _top(document: RequestDocument, dates: Dates) -> list[Block]:
    facts = [
        f"{REQUEST_SYMBOLS[document.status]} {bold(document.status.label)}",
        said(document.app),
        f"{said(document.workflow)}, version {document.version}",
        f"requested by {said(document.requester)}",
        dates.day(document.created_at),
    ]
    reason = document.reason_to_tell
    told = f"\n> {said(reason)}" if reason else ""
    if document.pruned_at:
        told += f"\n> {REMOVED_WHAT} {REMOVED}, {dates.day(document.pruned_at)}."
    return [header(f"{document.id} · {one_line(document.title, 120)}"), section(" · ".join(facts) + told)]


def _request_buttons(document: RequestDocument, more: list[Block]) -> list[Block]:
    value = Target(document.number).pack()
    labels = {Action.CONTINUE: (CONTINUE_FLOW, "primary"), Action.WITHDRAW: (WITHDRAW, "danger")}
    offered = [
        button(label, ACTION_IDS[action], value, style=style)
        for action, (label, style) in labels.items()
        if action in document.actions
    ]
    return [actions([*offered, *more], block_id="request")]


def _step(step: StepDocument, not_begun: Sequence[EventDocument], dates: Dates) -> str:
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
    lines = [_attempt(attempt, dates) for attempt in shown]
    lines += [f"{_tag('Re-triggered', act, act.at, dates)} · no attempt yet" for act in not_begun]
    return "\n".join([" · ".join(facts), *earlier, *(f"   ↳ {line}" for line in lines)])


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
        facts.append(_late(attempt.late))
    return " · ".join([*facts, *_tags(attempt, dates)])


def _late(text: str) -> str:
    """Evidence from a worker that had lost the step (engine.rules.decide.finish.late)."""
    try:
        evidence = dict(json.loads(text))
    except (ValueError, TypeError, RecursionError):  # a mask within it, or what a hand has made of it
        return "late result, kept as evidence; it changed nothing"
    facts = [str(evidence.get("outcome", "ended"))]
    facts += [f"call {str(evidence['call']).replace('_', ' ')}"] if "call" in evidence else []
    error = f": {said(str(evidence['error']), 160)}" if evidence.get("error") else ""
    return f"late result ({said(', '.join(facts))}{error}), kept as evidence; it changed nothing"


def _tags(attempt: AttemptDocument, dates: Dates) -> list[str]:
    if not attempt.by:
        return []
    at = attempt.acted_at or attempt.started_at
    if attempt.kind is AttemptKind.RETRIGGER:
        return [_tag("Re-triggered", attempt, at, dates)]
    if attempt.kind is AttemptKind.PROVIDED_INPUT:
        return [_tag("Input provided", attempt, at, dates)]
    return [f"_After @{_person(attempt)} {said(attempt.did or 'acted')}, {dates.time(at)}_"]


def _tag(did: str, act: AttemptDocument | EventDocument, at: datetime, dates: Dates) -> str:
    why = f" ({said(act.reason, 160)})" if act.reason else ""
    return f"_{did} by @{_person(act)}, {dates.time(at)}_{why}"


def _person(act: AttemptDocument | EventDocument) -> str:
    return said(act.by or "somebody").replace("_", " ")
