"""A bulk re-trigger's window, and the lines of its story in the cause's thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.blocks import fit
from bot.blocks.cause import by_reason, cause_line, counted_items, requests_named
from bot.blocks.fit import Block, Message
from bot.blocks.parts import context, listed, radio_buttons, section, text_input
from bot.targets import BULK
from bot.text import Dates, bold, code, said
from bot.words import counted
from engine import events, texts
from engine.causes.bulk import Preview
from engine.causes.records import Item, ItemState
from engine.limits import BULK_RATE, BULK_RATES, MAX_BULK, MAX_REASON_CHARS
from engine.records import Event
from engine.rules.plan import Key, PlannedStep

# Ids of fields.
OPTION = "option"
RATE = "rate"
REASON = "reason"

NAMED = 20  # requests that a window names
_CHUNK = 200  # requests named in one block: inside Slack's 3000 characters up to REQ-999999999
_HOW = (
    "One request goes first. Only when it has recovered, the others follow; at the first repeat of this error nothing "
    "more is begun. Each is checked once more when its turn comes."
)
_OPTIONS = {"flow": texts.RETRIGGER_FLOW, "step": f"{texts.RETRIGGER} (this step only; the flow waits)"}


def bulk_modal(preview: Preview, metadata: str) -> dict[str, Any]:
    """What would be re-triggered, and how fast."""
    if not preview.items:
        return nothing_modal(preview)
    cause = cause_line(preview.cause, preview.apps)
    blocks = [
        section(f"{cause}\n{bold(counted(len(preview.items), 'request'))}: {_apps(preview)}"),
        context(requests_named(preview.items, NAMED)),
        *_plan(preview.runs),
    ]
    if preview.left_out:
        blocks.append(section(f"Left out, to be looked at one by one:\n{_left_out(preview)}"))
    if len(preview.items) + len(preview.left_out) >= MAX_BULK:
        blocks.append(context(f"These are the oldest {MAX_BULK}; what is blocked beyond them comes after."))
    blocks += [
        context(_HOW),
        radio_buttons(OPTION, "Option", _OPTIONS, "flow"),
        radio_buttons(RATE, "Requests a minute", {str(rate): str(rate) for rate in BULK_RATES}, str(BULK_RATE)),
        text_input(
            REASON,
            "Reason",
            placeholder="Kept in the audit of every request",
            longest=MAX_REASON_CHARS,
            optional=False,
        ),
    ]
    return fit.modal(texts.BULK_TITLE, blocks, callback_id=BULK, submit="Begin", metadata=metadata)


def nothing_modal(preview: Preview) -> dict[str, Any]:
    """Each must be looked at by itself."""
    text = f"None of these can be re-triggered with others:\n{_left_out(preview)}"
    return fit.modal(texts.BULK_TITLE, [section(text)], close="Close")


def _left_out(preview: Preview) -> str:
    found = by_reason(preview.left_out).items()
    return "\n".join(f"• {requests_named(items, NAMED)}: {said(reason)}" for reason, items in found)


def _apps(preview: Preview) -> str:
    return " · ".join(f"{said(app, 60)} {number}" for app, number in sorted(preview.apps.items()))


def _plan(runs: Mapping[PlannedStep, int]) -> list[Block]:
    """What will run and what will be repeated; each a list by itself, as in the window of one request."""
    sure: dict[str, int] = {}
    perhaps: dict[str, int] = {}
    again: dict[str, int] = {}
    for step, number in runs.items():
        kind = sure if step.sure else perhaps
        node = code(step.node)
        kind[node] = kind.get(node, 0) + number
        if step.earlier is not None and step.earlier.may_have_taken_effect:
            key = "under a new key" if step.key is Key.NEW else "with the same key"
            what = f"{node} (the earlier one: {step.earlier.label}, {key})"
            again[what] = again.get(what, 0) + number
    none = section("No outside call that may have taken effect will be repeated.")
    return [
        *listed("These steps will run:", _numbered(sure)),
        *listed("Depending on what comes out:", _numbered(perhaps)),
        *(listed("These outside calls will be repeated:", _numbered(again)) or [none]),
    ]


def _numbered(found: Mapping[str, int]) -> list[str]:
    return [f"{what} × {number}" for what, number in found.items()]


def run_line(event: Event, dates: Dates) -> str:
    """One line of the cause's thread."""
    data = event.data or {}
    who, run = bold(event.by or "Somebody"), data.get("bulk", "?")
    if event.kind == events.BULK_BEGUN:
        how = texts.RETRIGGER_FLOW if data.get("flow") else f"{texts.RETRIGGER} (this step only)"
        text = f"{who} began bulk re-trigger {run}: {counted(int(data.get('requests', 0)), 'request')}, {how}"
        text += f", {data.get('rate')} a minute, one of them first"
    elif event.kind == events.BULK_GOES_ON:
        text = f"✅ REQ-{data.get('canary')} went first and recovered, so bulk re-trigger {run} goes on with the others"
    elif event.kind == events.BULK_STOPPED:
        request = f" (REQ-{data['request']})" if data.get("request") else ""
        text = f"⏹️ Bulk re-trigger {run} is stopped, since {said(str(data.get('why')))}{request}; nothing more is begun"
    else:
        told = [counted_items(state, int(data[state.value])) for state in ItemState if data.get(state.value)]
        stopped = f", stopped since {said(str(data['why']))}" if data.get("why") else ""
        text = f"Bulk re-trigger {run} is over{stopped}: {', '.join(told) or 'nothing was done'}"
    reason = f" · reason: {said(event.reason, 1000)}" if event.reason else ""
    return f"{text} · {dates.time(event.at)}{reason}"


def run_message(event: Event, items: Mapping[ItemState, Sequence[Item]], dates: Dates, marker: str = "") -> Message:
    """A line; that of the end with the outcome of each request. ``marker`` as in a card."""
    text = run_line(event, dates)
    blocks = [section(text, block_id=marker)]
    if event.kind == events.BULK_ENDED:
        for state, found in items.items():
            blocks += _outcomes(state, found)
    return fit.message(text, blocks)


def _outcomes(state: ItemState, items: Sequence[Item]) -> list[Block]:
    if not items:
        return []
    groups = by_reason(items) if state in (ItemState.SKIPPED, ItemState.OTHERWISE) else {"": items}
    lines = [bold(counted_items(state, len(items)))]
    for reason, found in groups.items():
        for place in range(0, len(found), _CHUNK):
            named = requests_named(found[place : place + _CHUNK], _CHUNK)
            lines.append(f"{named}: {said(reason)}" if reason else named)
    return [section(line) for line in lines]
