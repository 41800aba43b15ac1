"""The page of the outside systems, in a real browser."""

import time

import pytest
import requests
from playwright.sync_api import expect

from retrigger.demo.outside import serve
from retrigger.demo.outside_systems import OutsideSystems
from tests.support.poll import PATIENCE

pytestmark = pytest.mark.browser


@pytest.fixture
def url():
    served = serve(OutsideSystems(time.time))
    yield served.url
    served.stop()


@pytest.fixture
def page(chromium, url):
    page, wrong = chromium.new_page(viewport={"width": 1280, "height": 900}), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(url)
    expect(page.get_by_role("heading", name="Identity")).to_be_visible()
    yield page
    page.close()
    assert wrong == []


def call(url, email="ana@example.com", key="k1", name="Ana Reis"):
    body = {"email": email, "name": name}
    headers = {"Idempotency-Key": key, "X-Trace": "REQ-7"}
    return requests.post(f"{url}/identity/accounts", json=body, headers=headers, timeout=PATIENCE).status_code


def card(page, title):
    return page.locator(".system", has=page.get_by_role("heading", name=title, exact=True))


def test_a_switch_breaks_its_system_and_the_ledger_shows_the_call(page, url):
    card(page, "Identity").get_by_role("radio", name="Down").check()
    expect(card(page, "Identity")).to_contain_text("Answers 503. Nothing is done.")
    assert call(url) == 503
    row = page.locator("#entries tr").first
    expect(row).to_contain_text("503")
    expect(row).to_contain_text("nothing done")
    expect(row).to_contain_text("REQ-7")
    card(page, "Identity").get_by_role("radio", name="Up").check()
    assert call(url) == 201


def test_a_flaky_system_is_down_for_some_calls_and_its_card_shows_it_up_again(page, url):
    identity = card(page, "Identity")
    identity.get_by_role("radio", name="Down").check()
    identity.get_by_label("calls").fill("2")
    identity.get_by_label("calls").press("Enter")
    expect(page.locator("body")).to_contain_text("Answers 503")
    page.wait_for_function("async () => (await (await fetch('/switches/identity')).json()).times === 2")
    assert [call(url), call(url), call(url)] == [503, 503, 201]
    expect(identity.get_by_role("radio", name="Up")).to_be_checked()


def test_repeats_are_counted_and_named(page, url):
    call(url), call(url)
    expect(page.locator("#entries tr").first).to_contain_text("repeat of #1, nothing done again")
    assert [page.locator(f"#{name}").inner_text() for name in ("calls", "effects", "repeats")] == ["2", "1", "1"]


def test_a_rule_is_added_and_removed(page, url):
    page.get_by_label("when the call contains").fill("ana@example.com")
    page.get_by_role("button", name="Add rule").click()
    expect(page.locator(".rule")).to_contain_text("ana@example.com")
    assert [call(url), call(url, "bo@example.com", "k2")] == [503, 201]
    page.get_by_role("button", name="Remove").click()
    expect(page.locator(".rule")).to_have_count(0)
    assert call(url) == 201


def test_start_over_empties_the_ledger(page, url):
    call(url)
    expect(page.locator("#entries tr")).to_have_count(1)
    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_text("No calls yet.")).to_be_visible()


def test_what_a_call_contains_is_shown_as_text_only(page, url):
    call(url, name="<img src=x onerror=\"document.title = 'taken over'\">", key="<b>k</b>")
    expect(page.locator("#entries tr").first).to_contain_text("<img src=x")
    assert page.locator("#entries img, #entries b").count() == 0
    assert "taken over" not in page.title()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_is_cut_off_on_any_width(page, url, width):
    call(url, name="Anastasia Wilhelmina " * 5, key="0123456789abcdef" * 4)
    expect(page.locator("#entries tr")).to_have_count(1)
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_says_when_the_demo_is_gone(chromium):
    served = serve(OutsideSystems(time.time))
    page = chromium.new_page()
    page.goto(served.url)
    expect(page.get_by_role("heading", name="Identity")).to_be_visible()
    served.stop()
    expect(page.get_by_role("alert")).to_contain_text("No connection to the demo")
    page.close()
