"""Many requests: the cause card of an outage, all of them re-triggered from it; and App Home, the report.

This Slack says nothing of the view when somebody chooses in App Home, so that choices add up is seen in
tests/integration/bot/test_report.py; and it hands on no click within a window.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from bot.blocks.home import PAGE
from engine import texts
from engine.limits import CAUSE_REQUESTS
from retrigger.demo import people
from tests.e2e.conftest import Visit
from tests.e2e.small import LAB
from tests.support.demo import Demo
from tests.support.slack_page import SlackPage

pytestmark = pytest.mark.browser
MANY = CAUSE_REQUESTS + 1
TWO_PAGES = PAGE + 2


def test_one_card_for_an_outage_from_which_all_are_mended(demo: Demo, visit: Visit, hanna: SlackPage) -> None:
    demo.rule(system="identity", contains="Crew", mode="down", times=MANY)
    requests = [demo.ask("badges", f"Crew {number}") for number in range(MANY)]
    card = hanna.message("identity: ")
    expect(card).to_contain_text(f"{MANY} still blocked")
    expect(card).to_contain_text("identity answered 503 Service Unavailable: identity is down")

    vera = visit(people.VERA)
    vera.message("identity: ").get_by_role("button", name=texts.BULK_RETRIGGER).click()
    expect(vera.private("You need the permission Take action for HR. Ask ").last).to_be_visible()

    card.get_by_role("button", name=texts.BULK_RETRIGGER).click()
    window = hanna.opened(texts.BULK_TITLE)
    expect(window).to_contain_text(f"{requests[0]} to {requests[-1]}")
    expect(window).to_contain_text("These outside calls will be repeated: order (the earlier one: unknown, with the")
    hanna.submit()
    expect(window.locator(".modal-error")).to_be_visible()  # no reason
    window.get_by_label("300", exact=True).check()
    hanna.field("Reason").fill("Identity is up again")
    hanna.submitted()
    expect(card).to_contain_text(f"🟢 {MANY} recovered")
    expect(card).to_contain_text(f"Bulk re-trigger 1 by Hanna Lead, {MANY} requests: done")
    expect(card.locator(".bk-button")).to_have_count(0)
    for request in requests:
        calls = demo.calls(request)
        assert [call["effect"] is not None for call in calls] == [False, True], "each was called once more"
        assert len({call["key"] for call in calls}) == 1
    card.locator(".thread-summary").click()
    expect(hanna.page.locator(".thread-pane")).to_contain_text(f"Bulk re-trigger 1 is over: 🟢 {MANY} recovered")


def test_the_report_is_counted_filtered_and_paged(demo: Demo, hanna: SlackPage) -> None:
    demo.rule(system="it", contains="Bench", mode="down", times=TWO_PAGES)
    requests = [demo.ask("bench", f"Bench {number}") for number in range(TWO_PAGES)]
    demo.wait(requests[-1], "blocked")
    home = hanna.page.locator(".home")
    hanna.go("🏠")
    expect(home).to_contain_text("longest first")
    expect(home).not_to_contain_text(f"· {LAB} ·")  # she holds nothing for it
    demo.run("grant", "hanna@example.com", "view_reports", "--app", LAB)
    home.get_by_role("button", name="Refresh").click()
    application, age = home.locator("select").nth(0), home.locator("select").nth(1)
    expect(application.locator("option")).to_have_text(["Application", "All applications", "HR", LAB])

    application.select_option(label=LAB)
    expect(home).to_contain_text(f"{TWO_PAGES} blocked requests in {LAB}, longest first")
    expect(home).to_contain_text(f"🔴 Blocked {TWO_PAGES}")
    shown = home.locator(".bk-section", has_text="A chair for Bench")
    expect(shown).to_have_count(PAGE)
    home.get_by_role("button", name="Newer").click()
    expect(shown).to_have_count(TWO_PAGES - PAGE)
    home.get_by_role("button", name="Older").click()
    expect(shown).to_have_count(PAGE)

    shown.first.get_by_role("button", name="Progress Path").click()
    expect(hanna.modal).to_contain_text("order · Blocked")
    hanna.dismiss()
    age.select_option(label="… for over 1 hour")
    expect(home).to_contain_text("Nothing is blocked for over 1 h.")
