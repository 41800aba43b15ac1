"""The windows in which people confirm an act, with the words of SPEC 4."""

from __future__ import annotations

from typing import Any, NamedTuple

from bot.blocks import fit, parts
from bot.blocks.fit import Block, Message
from bot.blocks.parts import context, divider, listed, section, text_input, tick_box
from bot.blocks.provide import editor, outlook_lines
from bot.targets import ACTION_IDS, Settled, Ticket
from bot.text import code, one_line, said
from engine import texts
from engine.commands.documents import RequestDocument
from engine.limits import MAX_REASON_CHARS
from engine.rules.allowed import Action
from engine.rules.outlook import Outlook
from engine.rules.plan import Key, Plan, PlannedStep

# Ids of fields: errors name them, and people may read them, so they are words.
VERSION = "version"
NEW_KEY = "new_key"
UPDATE_STATUS = "update_status"
CONFIRMED = "confirmation"
REASON = "reason"

TITLES = {
    Action.RETRIGGER: texts.RETRIGGER,
    Action.FLOW: texts.RETRIGGER_FLOW,
    Action.INPUT: texts.PROVIDE_INPUT,
    Action.CONTINUE: texts.CONTINUE_FLOW,
    Action.WITHDRAW: texts.WITHDRAW,
}
_TEXTS = {
    Action.RETRIGGER: texts.RETRIGGER_TEXT,
    Action.FLOW: texts.RETRIGGER_FLOW_TEXT,
    Action.INPUT: texts.PROVIDE_INPUT_TEXT,
    Action.CONTINUE: "What is held is released, and the remaining flow is executed.",
    Action.WITHDRAW: "The request ends here. What runs is stopped, and nothing in it can be re-triggered afterwards.",
}
_SUBMITS = {**TITLES, Action.INPUT: texts.PROVIDE_INPUT_BUTTON}
_NEW_KEY_TEXT = "Use a new idempotency key"
_LOADING = "Looking at the present state…"
_WORKING = "Working… The outcome will be told to you privately; you may close this window."


class Typed(NamedTuple):
    """What a person typed. ``body`` None: the editor was left as it was."""

    reason: str | None = None
    body: str | None = None


class Editing(NamedTuple):
    """What Provide input shows beside the rest: the ``draft`` to start from, what the shown text will do, and whether
    Slack has a field for files here."""

    draft: str = ""
    outlook: Outlook | None = None
    files: bool = True


def act_modal(
    ticket: Ticket,
    document: RequestDocument,
    plan: Plan,
    *,
    editing: Editing | None = None,
    typed: Typed | None = None,
    notice: str = "",
) -> dict[str, Any]:
    """The window of one act; ``editing`` for Provide input. Shown again, ``notice`` says why and ``typed`` keeps what
    was typed."""
    typed = typed or Typed()
    blocks = [parts.notice(notice), divider()] if notice else []
    blocks += [section(_TEXTS[ticket.action]), context(_what(ticket, document)), *_plan(plan)]
    if editing is not None and editing.outlook is not None:
        blocks += outlook_lines(editing.outlook)
    blocks += _fields(ticket, document, editing, typed)
    return fit.modal(
        TITLES[ticket.action],
        blocks,
        callback_id=ACTION_IDS[ticket.action],
        submit=_SUBMITS[ticket.action],
        metadata=ticket.pack(),
    )


def loading_modal(title: str) -> dict[str, Any]:
    """Shown at once, because a click's permission to open a window lasts 3 s."""
    return fit.modal(title, [section(_LOADING)], close="Close")


def working_modal(title: str) -> dict[str, Any]:
    """What a submit is acknowledged with when the act takes longer than Slack waits."""
    return fit.modal(title, [section(_WORKING)], close="Close")


def notice_modal(title: str, text: str) -> dict[str, Any]:
    """A window that only says something."""
    return fit.modal(title, [section(said(text, 2500))], close="Close")


def told_modal(title: str, message: Message) -> dict[str, Any]:
    """A window that says what a private message would."""
    return fit.modal(title, message.blocks, close="Close")


def _what(ticket: Ticket, document: RequestDocument) -> str:
    facts = [f"{document.id} {said(document.title)}", said(document.app)]
    if ticket.target.node is not None:
        facts.insert(0, code(ticket.target.node))
    return " · ".join(facts)


def _plan(plan: Plan) -> list[Block]:
    sure = [code(run.node) for run in plan.runs if run.sure]
    perhaps = [code(run.node) for run in plan.runs if not run.sure]
    again = [_repeated(run) for run in plan.runs if run.repeats or _may_have_worked(run)]
    return [
        *([] if plan.runs else [section("No step will run.")]),
        # Each is a list by itself, so that however many steps there are, none hides which calls will be repeated.
        *listed("These steps will run:", sure),
        *listed("Depending on what comes out:", perhaps),
        *listed("These outside calls will be repeated:", again, ";"),
        *listed("Stopped or taken back:", [*map(code, plan.stops)]),
    ]


def _may_have_worked(run: PlannedStep) -> bool:
    return run.earlier is not None and run.earlier.may_have_taken_effect


def _repeated(run: PlannedStep) -> str:
    earlier = f"the earlier one: {run.earlier.label}" if run.earlier else "made before"
    same = "with the same key, by which the outside system can recognise it"
    key = "under a new key" if run.key is Key.NEW else same
    return f"{code(run.node)} ({earlier}), {key}"


def _fields(ticket: Ticket, document: RequestDocument, editing: Editing | None, typed: Typed) -> list[Block]:
    kept = ticket.file.name if ticket.file else None
    fields = editor(editing.draft, typed.body, kept, editing.files) if editing is not None else []
    if ticket.settled is not None:
        fields += _settled(ticket.settled)
    elif ticket.action is Action.RETRIGGER:
        fields.append(tick_box(UPDATE_STATUS, "Request status", texts.RETRIGGER_TICK_BOX))
    if ticket.confirm:
        fields.append(tick_box(CONFIRMED, "Confirm", texts.EARLIER_CALL))
    fields.append(
        text_input(
            REASON,
            "Reason",
            initial=(typed.reason or "")[:MAX_REASON_CHARS],
            placeholder="Shown in the thread and kept in the audit",
            longest=MAX_REASON_CHARS,
            optional=not _needs_reason(ticket),
        )
    )
    if ticket.settled is None and ticket.action in (Action.RETRIGGER, Action.FLOW):
        fields += _options(document)
    return fields


def _needs_reason(ticket: Ticket) -> bool:
    new_key = ticket.settled is not None and ticket.settled.new_key
    return ticket.confirm or new_key or ticket.action is Action.WITHDRAW


def _options(document: RequestDocument) -> list[Block]:
    return [
        text_input(
            VERSION,
            "With version",
            placeholder=f"The request is on version {document.version} of {one_line(document.workflow, 60)}",
        ),
        tick_box(
            NEW_KEY,
            "Idempotency key",
            _NEW_KEY_TEXT,
            hint="With a new key the outside system takes the call for another one than before.",
        ),
    ]


def _settled(settled: Settled) -> list[Block]:
    chosen = [f"With version {settled.version}"] if settled.version is not None else []
    chosen += [_NEW_KEY_TEXT] if settled.new_key else []
    chosen += [texts.RETRIGGER_TICK_BOX] if settled.update_status else []
    return [context(f"You chose: {' · '.join(chosen)}")] if chosen else []
