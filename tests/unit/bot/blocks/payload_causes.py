"""What the builders of cause cards and of bulk re-triggers can show: a part of payload_table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.blocks import bulk, cause, fit
from bot.text import Dates, cut
from engine import events
from engine.causes.bulk import Preview
from engine.causes.person import pack_person
from engine.causes.records import Item, ItemState, Run, RunState, SharedCause, Stand, Standing, tally
from engine.limits import MAX_BULK
from engine.rules.permissions import Actor
from engine.rules.plan import Key, PlannedStep
from engine.states import CallEffect
from tests.unit.bot import samples

Payload = fit.Message | dict[str, Any]

DATES = Dates()  # with Slack's tokens: longer than plain, and a cut may fall into them
NODE, APP = "n" * 60, "A" * 60  # the longest that a workflow may have (engine.definition)


def _cause(text: str, closed: float | None = None) -> SharedCause:
    return SharedCause(10**12, "k", text, text, text, 1.0, 2.0, closed)


def _run(text: str, state: RunState, why: str | None) -> Run:
    person = pack_person(Actor("slack:T1/U1", text, "slack"))
    return Run(10**12, 1, state, person, True, 30, text, why, 1.0, 2.0, 3.0, None)


def _items(number: int, state: ItemState, note: str | None = None) -> list[Item]:
    """Those that are hardest to name: none follows another."""
    return [Item(4, 10**8 + 2 * place, "pay", 2, f"{place % 40} {APP}", state, note) for place in range(number)]


def cause_cards(text: str) -> Iterator[Payload]:
    items = tally([*_items(MAX_BULK, ItemState.RECOVERED), *(i for state in ItemState for i in _items(2, state, text))])
    for apps in (
        {},
        {APP: {Stand.BLOCKED: 1}},
        {f"{cut(text, 99)}{n}": dict.fromkeys(Stand, 10**6) for n in range(40)},
    ):
        yield cause.cause_card(cause.CauseState(_cause(text, 9.0), Standing(apps)), DATES)
        for state in RunState:
            for why in (None, text):
                run = _run(text, state, why)
                yield cause.cause_card(cause.CauseState(_cause(text), Standing(apps), run, items), DATES, "rt-1")


def _previews(text: str, chosen: int) -> Iterator[Preview]:
    left_out = tuple(_items(50, ItemState.SKIPPED, cut(text, 400)))
    runs = {
        PlannedStep(f"{n}{NODE}"[:60], "action", n < 100, list(CallEffect)[n % 4], False, list(Key)[n % 2]): 900
        for n in range(300)
    }
    for planned in ({}, runs):
        items = tuple(_items(chosen, ItemState.WAITING))
        yield Preview(_run(text, RunState.DRAFT, None), _cause(text), items, left_out, planned)


def bulk_windows(text: str) -> Iterator[Payload]:
    return (bulk.bulk_modal(it, "[4,[null,null]]") for n in (0, 1, MAX_BULK) for it in _previews(text, n))


def empty_bulks(text: str) -> Iterator[Payload]:
    return (bulk.nothing_modal(it) for it in _previews(text, 0))


def bulk_lines(text: str) -> Iterator[Payload]:
    items = tally([*_items(MAX_BULK, ItemState.OTHERWISE, cut(text, 400)), *_items(9, ItemState.SKIPPED)])
    data = {"bulk": 4, "requests": MAX_BULK, "rate": 30, "flow": True, "canary": 1, "why": text, "request": 10**8}
    for kind in (events.BULK_BEGUN, events.BULK_GOES_ON, events.BULK_STOPPED, events.BULK_ENDED):
        full = samples.event(kind, None, by=text, reason=text, data={**data, "recovered": MAX_BULK})
        for event in (full, samples.event(kind, None)):
            yield bulk.run_message(event, items, DATES, "rt-1")
