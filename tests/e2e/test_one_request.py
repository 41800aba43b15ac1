"""What people do to one request beside re-triggering it: look at it together, see its picture, approve it, end it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from retrigger.demo import people
from tests.e2e.conftest import Visit
from tests.support.demo import Demo
from tests.support.slack_page import SlackPage

pytestmark = pytest.mark.browser
LOOKING = "I'm looking at this"


def test_who_is_looking_is_on_the_card_until_they_stop(demo: Demo, visit: Visit, hanna: SlackPage) -> None:
    request = demo.fails("chair", "Cleo", "it")
    omar = visit(people.OMAR)
    hanna.press(request, LOOKING)
    his = omar.card(request)
    expect(his).to_contain_text(re.compile(r"@Hanna Lead is looking at this, until ..:.. UTC"))
    omar.press(request, LOOKING)  # he has seen that she was, and takes it over
    expect(hanna.card(request)).to_contain_text("@Omar Ops is looking at this")
    hanna.press(request, "Stop looking")
    expect(hanna.private(f"Omar Ops is looking at {request}. Only they can give that up")).to_be_visible()
    omar.press(request, "Stop looking")
    expect(hanna.card(request)).not_to_contain_text("is looking at this, until")
    assert demo.document(request)["status"] == "blocked"
    expect(hanna.open_thread(request)).to_have_count(4)  # the block, she, he, and that he stopped


def test_a_progress_path_as_a_picture_comes_as_a_direct_message(demo: Demo, hanna: SlackPage) -> None:
    request = demo.fails("chair", "Dora", "it")
    hanna.command(request)
    hanna.private(f"{request} · A chair").last.get_by_role("button", name="Picture").click()
    expect(hanna.private("The picture is in your direct messages").last).to_be_visible()
    hanna.go(people.HANNA.real_name)
    picture = hanna.page.locator(".msg-files img").last
    expect(picture).to_have_attribute("alt", re.compile(f"^Progress Path of {request}"))
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") > 300


def test_withdraw_needs_a_reason_and_takes_the_buttons_away(demo: Demo, hanna: SlackPage) -> None:
    request = demo.fails("chair", "Emil", "it")
    hanna.command(request)
    hanna.private(f"{request} · A chair").last.get_by_role("button", name="Withdraw").click()
    expect(hanna.opened("Withdraw")).to_contain_text("The request ends here.")
    hanna.submit()
    expect(hanna.modal.locator(".modal-error")).to_be_visible()
    hanna.field("Reason").fill("He brings his own")
    hanna.submitted()
    card = hanna.card(request)
    expect(card).to_contain_text("Withdrawn")
    expect(card.locator(".bk-button")).to_have_text(["Progress Path"])
    expect(hanna.open_thread(request).last).to_contain_text("reason: He brings his own")
    assert demo.document(request)["status"] == "withdrawn"


def asked(page: SlackPage, person: people.Person, request: str) -> Locator:
    """What asks this person directly."""
    page.go(person.real_name)
    message = page.message(f"Approval · {request} · ")
    expect(message).to_contain_text("waits for your approval")
    return message


def test_each_approver_answers_directly_and_sees_who_is_missing(demo: Demo, visit: Visit, hanna: SlackPage) -> None:
    request = demo.ask("laptop", "Ada", model="14 inch")
    omar = visit(people.OMAR)
    hers, his = asked(hanna, people.HANNA, request), asked(omar, people.OMAR, request)
    hers.get_by_role("button", name="Approve").click()
    expect(hanna.opened("Approve")).to_contain_text("model: 14 inch")
    hanna.submitted()
    expect(hers).to_contain_text("waits for omar@example.com still")
    expect(hers.locator(".bk-button")).to_have_count(0)
    expect(his).to_contain_text("Hanna Lead approved allow")
    his.get_by_role("button", name="Approve").click()
    omar.opened("Approve")
    omar.field("Reason").fill("The old one is broken")
    omar.submitted()
    for message in (hers, his):
        expect(message).to_contain_text("✅ approved.")
        expect(message).to_contain_text("The old one is broken")
        expect(message.locator(".bk-button")).to_have_count(0)
    demo.wait(request, "completed")


def test_a_rejection_says_why_and_ends_it_for_all(demo: Demo, visit: Visit, hanna: SlackPage) -> None:
    request = demo.ask("laptop", "Bob")
    omar = visit(people.OMAR)
    hers, his = asked(hanna, people.HANNA, request), asked(omar, people.OMAR, request)
    hers.get_by_role("button", name="Reject").click()
    hanna.opened("Reject")
    hanna.field("Reason").fill("Not this year")
    hanna.submitted()
    for message in (hers, his):
        expect(message).to_contain_text("⛔ rejected.")
        expect(message).to_contain_text("Not this year")
        expect(message.locator(".bk-button")).to_have_count(0)
    demo.wait(request, "rejected")
