"""The alert: one card for a request, which always shows its present state (SPEC 7)."""

from __future__ import annotations

from itertools import pairwise

from bot.blocks import fit, thread
from bot.blocks.fit import Block, Message
from bot.blocks.parts import actions, button, context, header, section
from bot.targets import ACTION_IDS, LOOK, LOOK_AWAY, PATH, Look, Target
from bot.text import Dates, bold, code, one_line, said
from bot.words import CALL_SENTENCES, REQUEST_SYMBOLS, counted
from engine import events, texts
from engine.commands.documents import RequestDocument, StepDocument
from engine.rules.allowed import Action
from engine.states import MOVING, AttemptKind, AttemptOutcome, RequestStatus, StepStatus
from engine.texts import CONTINUE_FLOW, PROGRESS_PATH, PROVIDE_INPUT, RETRIGGER, RETRIGGER_FLOW

MAX_STEPS = 5  # of a request's actionable steps, so many have their own section and buttons
LABELS = {Action.RETRIGGER: RETRIGGER, Action.FLOW: RETRIGGER_FLOW, Action.INPUT: PROVIDE_INPUT}


def card(document: RequestDocument, dates: Dates, marker: str = "card") -> Message:
    """The card. ``marker`` is the id of its first block, by which a post whose answer was lost is found again."""
    blocks = [
        {**header(f"{document.id} · {one_line(document.title, 120)}"), "block_id": marker},
        section(_headline(document, dates)),
        *_going_on(document),
        *_last_act(document, dates),
        *_looking(document, dates),
        *_with_footer(step_sections(document, dates, waiting=False), _footer(document)),
    ]
    return fit.message(_fallback(document), blocks)


def step_sections(document: RequestDocument, dates: Dates, *, waiting: bool) -> list[Block]:
    """The steps that a person may act on, each with the buttons of what it offers now; ``waiting`` ones, which go on
    by an answer or a call, too."""
    stuck = [step for step in document.steps if step.actions or step.node in document.blocked]
    stuck = [step for step in stuck if waiting or step.status is not StepStatus.WAITING]
    blocks: list[Block] = []
    for place, step in enumerate(stuck[:MAX_STEPS]):
        blocks += [*_describe(step, dates), *_step_buttons(document, step, f"step-{place}")]
    if len(stuck) > MAX_STEPS:
        rest = len(stuck) - MAX_STEPS
        blocks.append(
            context(f"… and {counted(rest, 'more step')}: `/retrigger {document.id} STEP` opens any of them.")
        )
    return blocks


def _describe(step: StepDocument, dates: Dates) -> list[Block]:
    """Its error in one line; then what the last call did, the tries and the age."""
    if step.waits_for:
        return [section(f"{code(step.node)} waits for {said(step.waits_for, 600)}.")]
    error = f"{code(step.node)} is {bold(step.status.value)}\n> {said(step.error or 'No error was given.')}"
    ended = step.attempts[-1].ended_at if step.attempts else None
    facts = [CALL_SENTENCES[step.call]] if step.call is not None else []
    facts.append(_tries(step) + (f" · since {dates.since(ended)}" if ended else ""))
    return [section(error), section("\n".join(facts))]


def _tries(step: StepDocument) -> str:
    """How often it was tried, and how many of these tries the engine made by itself. What a person provided is no try,
    and a clean stop, which gives a step back, counts nothing (SPEC 3)."""
    made = [it for it in step.attempts if it.outcome is not AttemptOutcome.RETURNED]
    tries = [it for it in made if it.kind is not AttemptKind.PROVIDED_INPUT]
    retries = sum(it.kind is AttemptKind.RETRY for it in tries)
    lost = [after for before, after in pairwise(made) if before.outcome is AttemptOutcome.LOST]
    recoveries = sum(it.kind is AttemptKind.RECOVERY for it in lost)
    by_itself = [counted(retries, "retry", "retries")] if retries else []
    by_itself += [counted(recoveries, "automatic recovery", "automatic recoveries")] if recoveries else []
    more = f" ({', '.join(by_itself)})" if by_itself else ""
    return f"{counted(len(tries), 'try', 'tries')} so far{more}"


def _step_buttons(document: RequestDocument, step: StepDocument, block_id: str) -> list[Block]:
    value = Target(document.number, step.node, step.version).pack()
    elements = [
        button(LABELS[action], ACTION_IDS[action], value, style="primary" if action is Action.FLOW else "")
        for action in LABELS
        if action in step.actions
    ]
    return [actions(elements, block_id=block_id)] if elements else []


def _headline(document: RequestDocument, dates: Dates) -> str:
    facts = [
        f"{REQUEST_SYMBOLS[document.status]} {bold(document.status.label)}",
        said(document.app),
        f"{said(document.workflow)}, version {document.version}",
        f"submitted {dates.day(document.created_at)}",
    ]
    reason = document.reason_to_tell
    return " · ".join(facts) + (f"\n> {said(reason)}" if reason else "")


def _going_on(document: RequestDocument) -> list[Block]:
    moving = [step for step in document.steps if step.status in MOVING and not step.waits_for and not step.part_of]
    waiting = [step for step in document.steps if step.waits_for]
    held = [step for step in document.steps if step.held]
    lines = []
    if moving:
        more = f" and {len(moving) - MAX_STEPS} more" if len(moving) > MAX_STEPS else ""
        lines.append(f"Working on {', '.join(code(step.node) for step in moving[:MAX_STEPS])}{more}.")
    lines += [f"{code(step.node)} waits for {said(step.waits_for or '', 300)}." for step in waiting[:MAX_STEPS]]
    if held:
        names = ", ".join(code(step.node) for step in held[:MAX_STEPS])
        lines.append(f"{names} completed, and held: nothing behind it starts until {bold(CONTINUE_FLOW)}.")
    return [context("\n".join(lines))] if lines else []


def _last_act(document: RequestDocument, dates: Dates) -> list[Block]:
    acts = [event for event in document.events if event.kind in events.ACTS]
    return [context(f"Last act: {thread.line(acts[-1], document.number, dates)}")] if acts else []


def _looking(document: RequestDocument, dates: Dates) -> list[Block]:
    found = document.looking
    if found is None:
        return []
    return [context(f"👀 {bold(f'@{found.by}')} is looking at this, until {dates.time(found.until)}.")]


def _footer(document: RequestDocument) -> list[Block]:
    value = Target(document.number).pack()
    elements = [button(PROGRESS_PATH, PATH, value)]
    if Action.CONTINUE in document.actions:
        elements.insert(0, button(CONTINUE_FLOW, ACTION_IDS[Action.CONTINUE], value, style="primary"))
    if document.status is RequestStatus.BLOCKED:
        seen = document.looking.actor if document.looking else None
        look = Look(document.number, seen).pack()
        elements.append(button(texts.LOOK, LOOK, look))
        elements += [button(texts.LOOK_AWAY, LOOK_AWAY, look)] if seen else []
    return elements


def _with_footer(blocks: list[Block], footer: list[Block]) -> list[Block]:
    """The request's own buttons, in the row of its step's when that is the only one."""
    rows = [block for block in blocks if block["type"] == "actions"]
    if len(rows) == 1 and blocks[-1] is rows[0]:
        return [*blocks[:-1], {**rows[0], "elements": [*rows[0]["elements"], *footer]}]
    return [*blocks, actions(footer, block_id="request")]


def _fallback(document: RequestDocument) -> str:
    """The plain text that notifications and screen readers take."""
    text = f"{document.id} ({document.app}) is {document.status.label}"
    if document.status is RequestStatus.BLOCKED and document.blocked:
        step = document.step(document.blocked[0])
        text += f" at {document.blocked[0]}: {one_line((step.error if step else None) or 'no error was given')}"
    return said(text, 600)
