"""The cause card: what many requests are blocked by, told once, with counts that stay true (SPEC 7)."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

from bot.blocks import fit
from bot.blocks.fit import Block, Message
from bot.blocks.parts import actions, button, context, header, section
from bot.targets import BULK, BULK_STOP
from bot.text import Dates, bold, code, one_line, said
from bot.words import counted
from engine import texts
from engine.causes.person import unpack_person
from engine.causes.records import Item, ItemState, Run, RunState, SharedCause, Stand, Standing

_STANDS = {
    Stand.BLOCKED: "🔴 {} still blocked",
    Stand.MOVING: "🔵 {} under way",
    Stand.RECOVERED: "🟢 {} recovered",
    Stand.OTHERWISE: "⚪ {} blocked by something else, or ended",
}
_ITEMS = {
    ItemState.RECOVERED: "🟢 {} recovered",
    ItemState.REPEATED: "🔴 {} blocked again by the same error",
    ItemState.OTHERWISE: "🟠 {} blocked by something else, or ended",
    ItemState.UNDER_WAY: "🔵 {} under way",
    ItemState.WAITING: "🕒 {} waiting for their turn",
    ItemState.SKIPPED: "➖ {} skipped",
    ItemState.LEFT: "➖ {} not begun",
}


class CauseState(NamedTuple):
    """All that a cause card shows. ``run``: the last bulk re-trigger that was begun, with its ``items`` by state."""

    cause: SharedCause
    standing: Standing
    run: Run | None = None
    items: Mapping[ItemState, Sequence[Item]] = {}


def cause_card(state: CauseState, dates: Dates, marker: str = "cause") -> Message:
    """The card. ``marker`` as in a request's card."""
    cause, standing = state.cause, state.standing
    requests = counted(standing.count(), "request")
    blocks: list[Block] = [
        {**header(f"{one_line(cause.source, 60)}: {requests} blocked by one error"), "block_id": marker},
        section(f"{' · '.join(_counts(standing))}\n> {said(cause.error, 600)}"),
    ]
    if len(standing.apps) > 1:
        blocks.append(context(" · ".join(_by_app(standing))))
    if state.run is not None:
        blocks.append(section(_progress(state.run, state.items)))
    why = f"Since {dates.day(cause.opened_at)} this card tells them all."
    each = "`/retrigger REQ-…` opens any of them; one that is acted on by itself has its own card from then on."
    blocks.append(context(f"{why} {each}"))
    if buttons := _buttons(state):
        blocks.append(actions(buttons, block_id="bulk"))
    still = standing.count(Stand.BLOCKED)
    error = one_line(cause.error)
    return fit.message(said(f"{cause.source}: {requests} blocked by one error, {still} still: {error}", 600), blocks)


def _counts(standing: Standing) -> list[str]:
    found = {stand: standing.count(stand) for stand in Stand}
    shown = [bold(_STANDS[stand].format(number)) for stand, number in found.items() if number]
    return shown if found[Stand.BLOCKED] else [bold("✅ none is blocked by it any more"), *shown]


def _by_app(standing: Standing) -> list[str]:
    return [
        f"{said(app, 60)}: {found.get(Stand.BLOCKED, 0)} of {sum(found.values())} still blocked"
        for app, found in standing.apps.items()
    ]


def _progress(run: Run, items: Mapping[ItemState, Sequence[Item]]) -> str:
    """How far the last bulk re-trigger has come."""
    number = sum(len(found) for state, found in items.items() if state is not ItemState.SKIPPED or run.under_way)
    who = f"Bulk re-trigger {run.id} by {bold(unpack_person(run.person).name)}, {counted(number, 'request')}"
    what = {
        RunState.CANARY: f"{who}: one goes first, and its outcome is awaited",
        RunState.RUNNING: f"{who}, {run.rate} a minute",
        RunState.STOPPING: f"{who}: *stopped*, since {said(run.why or '')}; what is under way is awaited",
        RunState.ENDED: f"{who}: *stopped*, since {said(run.why)}" if run.why else f"{who}: done",
    }
    return f"{what.get(run.state, who)}\n{' · '.join(item_counts(items))}"


def item_counts(items: Mapping[ItemState, Sequence[Item]]) -> list[str]:
    """How many requests of a bulk re-trigger came to what."""
    return [counted_items(state, len(items[state])) for state in _ITEMS if items.get(state)]


def counted_items(state: ItemState, number: int) -> str:
    """Such as "🟢 12 recovered"."""
    return _ITEMS[state].format(number)


def _buttons(state: CauseState) -> list[Block]:
    run = state.run
    if run is not None and run.under_way:
        stop = button(texts.BULK_STOP, BULK_STOP, str(run.id), style="danger")
        return [] if run.state is RunState.STOPPING else [stop]
    if state.cause.closed_at is not None or not state.standing.count(Stand.BLOCKED):
        return []
    return [button(texts.BULK_RETRIGGER, BULK, str(state.cause.id), style="primary")]


def requests_named(items: Sequence[Item], limit: int) -> str:
    """Such as "REQ-1 to REQ-40, REQ-43 and 498 more"; ``limit``: requests, and rows of requests, that are named."""
    rows: list[list[int]] = []
    for item in items:
        if rows and item.request_id == rows[-1][-1] + 1:
            rows[-1].append(item.request_id)
        else:
            rows.append([item.request_id])
    shown = [_row_named(row) for row in rows[:limit]]
    more = sum(map(len, rows[limit:]))
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _row_named(row: Sequence[int]) -> str:
    if len(row) < 3:
        return ", ".join(f"REQ-{number}" for number in row)
    return f"REQ-{row[0]} to REQ-{row[-1]}"


def by_reason(items: Sequence[Item]) -> dict[str, list[Item]]:
    """Those that have a note, by what it says of all of them."""
    found: dict[str, list[Item]] = {}
    for item in items:
        reason = (item.note or "no reason was given").replace(f"REQ-{item.request_id}", "it")
        found.setdefault(reason.replace(item.node, "the step"), []).append(item)
    return found


def cause_line(cause: SharedCause, apps: Container[str]) -> str:
    """A cause in few words, for those who are concerned with these applications."""
    return f"{code(cause.source)}: {said(cause.told_to(apps))}"
