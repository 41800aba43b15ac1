"""Cause cards, their windows and lines, with what is extreme in them."""

from __future__ import annotations

import pytest

from bot.blocks.bulk import bulk_modal, run_message
from bot.blocks.cause import CauseState, cause_card, requests_named
from bot.text import Dates
from engine import events
from engine.causes.bulk import Preview
from engine.causes.person import pack_person
from engine.causes.records import Item, ItemState, Run, RunState, SharedCause, Stand, Standing, tally
from engine.limits import MAX_BULK
from engine.records import Event
from engine.rules.plan import Key, PlannedStep
from engine.states import CallEffect
from tests.support.engine import HANNA
from tests.support.slack_checks import check_message, check_view, texts

ERRORS = ["bank answered 503.", "x" * 10_000, "<!channel> <@U0EVIL> & `code`", "‮مرحبا 🎉" * 300, "\n\n- \n"]
DATES = Dates(plain=True)


def cause(error: str, closed: float | None = None) -> SharedCause:
    return SharedCause(1, "k", "bank", error, "HR", 1.0, 2.0, closed)


def run(state: RunState, why: str | None = None) -> Run:
    return Run(4, 1, state, pack_person(HANNA), True, 30, "Back.", why, 1.0, 2.0, 3.0, None)


def items(number: int, state: ItemState, note: str | None = None) -> list[Item]:
    return [Item(4, 1_000_000 + 2 * place, "pay", 2, "HR", state, note) for place in range(number)]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("state", [None, *list(RunState)])
def test_a_card_fits_whatever_it_says(error: str, state: RunState | None):
    apps = {f"App {place} <b>": {Stand.BLOCKED: 500, Stand.RECOVERED: 3} for place in range(40)}
    mixed = tally([*items(700, ItemState.RECOVERED), *items(300, ItemState.WAITING)])
    shown = CauseState(cause(error), Standing(apps), run(state, error) if state else None, mixed)
    message = cause_card(shown, DATES)
    check_message(message.text, message.blocks)


def test_of_several_applications_it_says_how_many_each_has():
    standing = Standing({"HR": {Stand.BLOCKED: 3, Stand.RECOVERED: 2}, "Lab": {Stand.RECOVERED: 4}})
    shown = "\n".join(texts(cause_card(CauseState(cause("e"), standing), DATES).blocks))
    assert "HR: 3 of 5 still blocked · Lab: 0 of 4 still blocked" in shown


def test_its_buttons_are_those_that_do_something():
    blocked = Standing({"HR": {Stand.BLOCKED: 3}})
    over = Standing({"HR": {Stand.RECOVERED: 3}})
    table = [
        (CauseState(cause("e"), blocked), ["cause.retrigger"]),
        (CauseState(cause("e"), over), []),
        (CauseState(cause("e", 9.0), blocked), []),
        (CauseState(cause("e"), blocked, run(RunState.CANARY)), ["cause.stop"]),
        (CauseState(cause("e"), blocked, run(RunState.RUNNING)), ["cause.stop"]),
        (CauseState(cause("e"), blocked, run(RunState.STOPPING)), []),
        (CauseState(cause("e"), blocked, run(RunState.ENDED, "it")), ["cause.retrigger"]),
    ]
    for state, ids in table:
        blocks = cause_card(state, DATES).blocks
        assert [e["action_id"] for b in blocks if b["type"] == "actions" for e in b["elements"]] == ids


@pytest.mark.parametrize("error", ERRORS)
def test_the_window_fits_and_says_what_it_leaves_out(error: str):
    chosen, rest = items(MAX_BULK - 50, ItemState.WAITING), items(50, ItemState.SKIPPED, error)
    steps = {
        PlannedStep(f"step_{place}", "action", place < 100, CallEffect.UNKNOWN, False, Key.SAME): 900
        for place in range(200)
    }
    view = bulk_modal(Preview(run(RunState.DRAFT), cause(error), tuple(chosen), tuple(rest), steps), "[4,[null,null]]")
    check_view(view)
    shown = "\n".join(texts(view["blocks"]))
    assert f"{MAX_BULK - 50} requests" in shown
    assert f"and {MAX_BULK - 70} more" in shown
    assert "Left out" in shown


def test_a_preview_of_which_nothing_is_left_cannot_be_begun():
    rest = items(3, ItemState.SKIPPED, "An earlier call of it may have taken effect.")
    view = bulk_modal(Preview(run(RunState.DRAFT), cause("e"), (), tuple(rest), {}), "[4,[null,null]]")
    check_view(view)
    assert "submit" not in view


@pytest.mark.parametrize("kind", [events.BULK_BEGUN, events.BULK_GOES_ON, events.BULK_STOPPED, events.BULK_ENDED])
@pytest.mark.parametrize("error", ERRORS)
def test_each_line_fits_and_the_end_names_every_request(kind: str, error: str):
    data = {"bulk": 4, "requests": MAX_BULK, "rate": 30, "flow": True, "canary": 1, "why": error, "recovered": MAX_BULK}
    event = Event(None, kind, 5.0, by="Hanna <Lead>", actor="slack:T1/U1", door="slack", reason=error, data=data)
    message = run_message(event, tally(items(MAX_BULK, ItemState.RECOVERED)), DATES, "rt-1")
    check_message(message.text, message.blocks)
    if kind == events.BULK_ENDED and len(error) < 100:
        assert f"REQ-{1_000_000 + 2 * (MAX_BULK - 1)}" in "\n".join(texts(message.blocks))


def test_requests_in_a_row_are_named_by_the_first_and_the_last():
    numbers = [1, 2, 3, 5, 6, 9]
    found = [Item(4, number, "pay", 2, "HR", ItemState.WAITING) for number in numbers]
    assert requests_named(found, 9) == "REQ-1 to REQ-3, REQ-5, REQ-6, REQ-9"
    assert requests_named(found, 1) == "REQ-1 to REQ-3 and 3 more"
