"""A window once more has what was typed, ticked and chosen, and one reason for it."""

from __future__ import annotations

from typing import Any

from bot.blocks.again import shown_again
from bot.blocks.fit import modal
from bot.blocks.parts import radio_buttons, section, text_input, tick_box
from tests.support.slack_checks import check_view
from tests.support.slack_form import typed
from tests.unit.bot.samples import said

VIEW = modal(
    "Re-trigger",
    [
        section("What it does"),
        text_input("reason", "Reason", initial="as before"),
        text_input("version", "With version", initial="3"),
        tick_box("confirmation", "Confirm", "It may"),
        tick_box("new_key", "Key", "A new one"),
        radio_buttons("rate", "A minute", {"10": "10", "60": "60"}, "10"),
    ],
    callback_id="retrigger.step",
    submit="Re-trigger",
    metadata="of the window",
)


def chosen(view: dict[str, Any]) -> dict[str, Any]:
    """What each field begins with."""
    found = {}
    for block in view["blocks"]:
        element = block.get("element", {})
        values = [o["value"] for o in [*element.get("initial_options", []), element.get("initial_option", {})] if o]
        if block["type"] == "input":
            found[block["block_id"]] = element.get("initial_value") or values
    return found


def test_what_was_typed_ticked_and_chosen_stands_in_it() -> None:
    rate = {"rate": {"rate": {"type": "radio_buttons", "selected_option": {"value": "60"}}}}
    empty = {"new_key": {"new_key": {"type": "checkboxes", "selected_options": []}}}
    view = shown_again(VIEW, {**typed(reason="mended", version=None, confirmation=True), **rate, **empty}, "Away.")
    check_view(view)
    assert chosen(view) == {
        "reason": "mended",
        "version": [],
        "confirmation": ["confirmation"],
        "new_key": [],
        "rate": ["60"],
    }
    same = ("title", "submit", "close", "callback_id", "private_metadata")
    assert {name: view[name] for name in same} == {name: VIEW[name] for name in same}


def test_what_was_not_sent_stays_and_a_later_reason_takes_the_place_of_the_first() -> None:
    first = shown_again(VIEW, {}, "The first <reason>.")
    second = shown_again(first, {}, "The second.")
    check_view(second)
    assert chosen(second) == {**chosen(VIEW), "rate": ["10"]}
    assert "The first &lt;reason&gt;." in said(first["blocks"]) and "The first" not in said(second["blocks"])
