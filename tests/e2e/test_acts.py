"""The three options, from the alert to the outcome, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from engine import texts
from tests.support.demo import DOWN, WRONG_DATA, Demo
from tests.support.slack_page import SlackPage

pytestmark = pytest.mark.browser

BLOCKED = "desk is blocked (attempt 3, unknown): facilities answered 503 Service Unavailable: facilities is down"


def check_one_effect_for_each_key(demo: Demo, request: str, made_at: list[str]) -> None:
    """The calls that had an effect went there (desk and laptop side by side); none of them was done twice."""
    calls = demo.calls(request)
    done = [call for call in calls if call["effect"] is not None]
    assert sorted(f"{call['system']}/{call['path']}" for call in done) == sorted(made_at)
    assert len({call["key"] for call in done}) == len(done) == len({call["key"] for call in calls})


def test_retrigger_of_the_step_only_and_then_continue_flow(demo: Demo, hanna: SlackPage) -> None:
    request = demo.stuck()
    card = hanna.card(request)
    expect(card).to_contain_text("facilities answered 503 Service Unavailable: facilities is down")
    hanna.press(request, "Re-trigger")
    expect(hanna.opened("Re-trigger")).to_contain_text(texts.RETRIGGER_TEXT)
    hanna.tick(texts.RETRIGGER_TICK_BOX)
    hanna.submitted()
    expect(card).to_contain_text("desk completed, and held: nothing behind it starts until Continue flow")
    expect(card).to_contain_text("remaining steps not started")
    expect(card.locator(".bk-button")).to_have_text(["Continue flow", "Progress Path", "I'm looking at this"])
    assert sorted(call["system"] for call in demo.calls(request)) == [*["facilities"] * 4, "identity", "it"]

    hanna.press(request, "Continue flow")
    expect(hanna.opened("Continue flow")).to_contain_text("These steps will run: welcome.")
    hanna.submitted()
    expect(card).to_contain_text("Completed")
    expect(hanna.open_thread(request)).to_have_text(
        [
            re.compile(re.escape(BLOCKED)),
            re.compile(r"Hanna Lead re-triggered desk \(this step only\), allowing the workflow status to be updated"),
            re.compile(r"desk completed \(attempt 4, accepted\)"),
            re.compile(r"Hanna Lead continued the flow"),
            re.compile(r"welcome completed \(attempt 1, accepted\)"),
            re.compile(rf"{request} is Completed"),
        ]
    )
    check_one_effect_for_each_key(demo, request, ["identity/accounts", "facilities/desks", "it/laptops", "mail/send"])


def test_retrigger_of_step_and_flow_tells_the_whole_story(demo: Demo, hanna: SlackPage, chromium: Browser) -> None:
    card = hanna.card(DOWN)
    expect(card).to_contain_text("Blocked")
    hanna.press(DOWN, "Re-trigger step and flow")
    expect(hanna.opened("Re-trigger step and flow")).to_contain_text(texts.RETRIGGER_FLOW_TEXT)
    expect(hanna.modal).to_contain_text("These outside calls will be repeated: desk (the earlier one: unknown)")
    hanna.field("Reason").fill("Facilities is up again")
    hanna.submitted()
    expect(card).to_contain_text("Completed")
    expect(card).to_contain_text("Last act: Hanna Lead re-triggered step and flow at desk")
    expect(card.locator(".bk-button")).to_have_text(["Progress Path"])
    expect(hanna.open_thread(DOWN)).to_have_text(
        [
            re.compile(re.escape(BLOCKED)),
            re.compile(r"Hanna Lead re-triggered step and flow at desk · ..:.. UTC · reason: Facilities is up again"),
            re.compile(r"desk completed \(attempt 4, accepted\)"),
            re.compile(r"welcome completed \(attempt 1, accepted\)"),
            re.compile(r"REQ-3 is Completed"),
        ]
    )
    expect(hanna.private("REQ-3: recovered: ✅ desk completed (attempt 4, accepted)")).to_be_visible()
    check_one_effect_for_each_key(demo, DOWN, ["identity/accounts", "facilities/desks", "it/laptops", "mail/send"])
    page = chromium.new_page()
    page.goto(demo.outside_url)
    rows = page.locator("#entries tr", has=page.get_by_role("cell", name=DOWN, exact=True)).filter(has_text="/desks")
    expect(rows).to_have_text([re.compile("done, effect #"), *[re.compile("503.*nothing done")] * 3])
    page.close()


def test_provide_input_shows_where_the_json_is_broken_and_keeps_it(demo: Demo, hanna: SlackPage) -> None:
    made = next(call["made"] for call in demo.calls(WRONG_DATA) if call["system"] == "identity")
    hanna.press(WRONG_DATA, "Provide input")
    expect(hanna.opened("Provide input")).to_contain_text(texts.PROVIDE_INPUT_TEXT)
    editor = hanna.field(texts.PROVIDE_INPUT_LABEL)
    editor.fill('{"id": "acc-1004", "email": }')
    hanna.field("Reason").fill("From the ledger")
    hanna.submit()
    expect(hanna.modal.locator(".modal-error")).to_contain_text("Line 1, column 29")
    expect(editor).to_have_value('{"id": "acc-1004", "email": }')
    expect(hanna.field("Reason")).to_have_value("From the ledger")
    editor.fill('{"id": 1004, "email": "dev.patel@example.com"}')
    hanna.submit()
    expect(hanna.modal.locator(".modal-error")).to_contain_text("does not fit")
    assert demo.document(WRONG_DATA)["status"] == "blocked"

    editor.fill(f'{{"id": "{made["id"]}", "email": "dev.patel@example.com"}}')
    hanna.submitted()
    expect(hanna.card(WRONG_DATA)).to_contain_text("Completed")
    lines = hanna.open_thread(WRONG_DATA)
    expect(lines.nth(1)).to_contain_text("Hanna Lead provided input for create_account")
    expect(lines.nth(1)).to_contain_text("reason: From the ledger")
    expect(lines.last).to_contain_text("REQ-4 is Completed")
    check_one_effect_for_each_key(demo, WRONG_DATA, ["identity/accounts", "it/shipments", "mail/send"])


def test_a_new_key_is_confirmed_in_a_second_window_that_keeps_the_reason(demo: Demo, hanna: SlackPage) -> None:
    request = demo.stuck()
    hanna.press(request, "Re-trigger step and flow")
    hanna.opened("Re-trigger step and flow")
    hanna.tick("Use a new idempotency key")
    hanna.field("Reason").fill("Facilities asked for it")
    hanna.submit()
    expect(hanna.modal).to_contain_text("You chose: Use a new idempotency key")
    hanna.submit()
    expect(hanna.modal.locator(".modal-error")).to_contain_text("Tick this box if it may be repeated.")
    hanna.tick(texts.EARLIER_CALL)
    hanna.submitted()
    expect(hanna.card(request)).to_contain_text("Completed")
    expect(hanna.open_thread(request).nth(1)).to_contain_text("reason: Facilities asked for it")
    keys = [call["key"] for call in demo.calls(request) if call["system"] == "facilities"]
    assert keys == [*[keys[0]] * 3, keys[3]]
    assert keys[3] != keys[0]


def test_a_call_that_worked_unseen_is_repeated_with_its_key_and_done_once(demo: Demo, hanna: SlackPage) -> None:
    request = demo.unanswered()
    card = hanna.card(request)
    expect(card).to_contain_text("The last call: unknown. It is unknown whether the call took effect.")
    hanna.press(request, "Re-trigger step and flow")
    expect(hanna.opened("Re-trigger step and flow")).to_contain_text("with the same key")
    hanna.submitted()
    expect(card).to_contain_text("Completed")
    desks = [call for call in demo.calls(request) if call["system"] == "facilities"]
    assert [call["repeat_of"] for call in desks] == [None, *[desks[0]["effect"]] * 3]
    check_one_effect_for_each_key(demo, request, ["identity/accounts", "facilities/desks", "it/laptops", "mail/send"])
