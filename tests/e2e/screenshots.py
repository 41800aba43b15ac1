"""Makes the pictures of docs/images from the demo itself: `make screenshots`."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from playwright.sync_api import Browser, FloatRect, Locator, Page, ViewportSize, expect

from engine import texts
from retrigger.demo import people
from retrigger.demo.local_slack_binary import provide
from tests.e2e.small import SMALL
from tests.support.browser import PATIENCE, open_browser
from tests.support.demo import DOWN, WRONG_DATA, Demo
from tests.support.slack_page import SlackPage

FOLDER = Path(__file__).parents[2] / "docs" / "images"
WIDE_THREAD = 480  # pixels, as are all numbers here
CHANNEL = ViewportSize(width=1400, height=840)
HOME = ViewportSize(width=1100, height=520)
DIRECT = ViewportSize(width=1100, height=720)
ALONE = ViewportSize(width=980, height=720)  # for one message: wider, half of its picture is empty
OUTSIDE = ViewportSize(width=1200, height=1043)
MARGIN = 24  # around a window
CREW = 12  # requests that one outage blocks


def main() -> int:
    """Start the demo, do what its screen says a person should try, and take pictures on the way."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE)
    with TemporaryDirectory() as temp, open_browser() as browser:
        if browser is None:
            click.echo("There is no Chromium on this machine.", err=True)
            return 1
        demo = Demo(Path(temp), provide(click.echo))
        try:
            report(browser, demo)
            in_slack(browser, demo)
            outside(browser, demo)
            demo.publish(*SMALL)
            approval(browser, demo)
            together(browser, demo)
            permissions(browser, demo)
        finally:
            demo.stop()
    return 0


def report(browser: Browser, demo: Demo) -> None:
    """App Home, and a Progress Path as a picture."""
    hanna = SlackPage(browser, demo.slack_url, people.HANNA)
    hanna.page.set_viewport_size(HOME)
    hanna.page.locator(".sidebar").get_by_text("🏠").click()
    expect(hanna.page.locator(".main")).to_contain_text("2 blocked requests, longest first")
    take(hanna.page, "app-home")
    hanna.close()
    demo.run("show", DOWN, "--picture", str(FOLDER / "progress-path.png"))


def in_slack(browser: Browser, demo: Demo) -> None:
    """The two windows, and the channel with one request mended and one that waits."""
    hanna = SlackPage(browser, demo.slack_url, people.HANNA)
    hanna.press(WRONG_DATA, texts.PROVIDE_INPUT)
    hanna.opened(texts.PROVIDE_INPUT)
    hanna.field(texts.PROVIDE_INPUT_LABEL).fill('{"id": "acc-1004", "email": }')
    hanna.submit()
    expect(hanna.modal.locator(".modal-error")).to_be_visible()
    take(hanna.page, "modal-input", hanna.modal)
    hanna.dismiss()

    hanna.press(DOWN, texts.RETRIGGER)
    hanna.opened(texts.RETRIGGER)
    hanna.tick(texts.RETRIGGER_TICK_BOX)
    hanna.field("Reason").fill("Facilities is up again")
    take(hanna.page, "modal-retrigger", hanna.modal)
    hanna.dismiss()

    hanna.press(DOWN, texts.RETRIGGER_FLOW)
    hanna.opened(texts.RETRIGGER_FLOW)
    hanna.field("Reason").fill("Facilities is up again")
    hanna.submitted()
    expect(hanna.card(DOWN)).to_contain_text("Completed")
    hanna.open_thread(DOWN)
    expect(hanna.page.locator(".thread-pane")).to_contain_text(f"{DOWN} is Completed")
    hanna.widen_thread(WIDE_THREAD)
    hanna.page.set_viewport_size(CHANNEL)
    take(hanna.page, "channel")
    hanna.close()


def approval(browser: Browser, demo: Demo) -> None:
    """What asks for an approval, directly, and its window."""
    request = demo.ask("laptop", "Grace Park", model="14 inch", office="Lisbon")
    hanna = SlackPage(browser, demo.slack_url, people.HANNA)
    hanna.page.set_viewport_size(DIRECT)
    hanna.go(people.HANNA.real_name)
    hanna.message(f"Approval · {request}").get_by_role("button", name="Approve").click()
    hanna.opened("Approve")
    hanna.field("Reason").fill("The old one is broken")
    take(hanna.page, "approval")
    hanna.submitted()
    hanna.close()


def together(browser: Browser, demo: Demo) -> None:
    """The card of an outage, the window of a bulk re-trigger, and its story."""
    demo.rule(system="identity", contains="Crew", mode="down", times=CREW)
    for number in range(CREW):
        demo.ask("badges", f"Crew {number}")
    hanna = SlackPage(browser, demo.slack_url, people.HANNA)
    hanna.page.set_viewport_size(ALONE)
    card = hanna.message("identity: ")
    expect(card).to_contain_text(f"{CREW} still blocked")
    take(hanna.page, "cause-card", card, 0)
    card.get_by_role("button", name=texts.BULK_RETRIGGER).click()
    hanna.opened(texts.BULK_TITLE)
    hanna.modal.get_by_label(texts.RETRIGGER_FLOW, exact=True).check()
    hanna.modal.get_by_label("300", exact=True).check()
    hanna.field("Reason").fill("Identity is up again")
    take(hanna.page, "modal-bulk", hanna.modal)
    hanna.submitted()
    expect(card).to_contain_text(f"{CREW} recovered")
    expect(card.locator(".thread-summary")).to_contain_text("3 replies")
    card.locator(".thread-summary").click()
    hanna.widen_thread(WIDE_THREAD)
    hanna.page.set_viewport_size(CHANNEL)
    take(hanna.page, "bulk")
    hanna.close()


def permissions(browser: Browser, demo: Demo) -> None:
    """Who is looking at a request, and grants given in Slack."""
    request = demo.fails("chair", "Henri", "it")
    hanna = SlackPage(browser, demo.slack_url, people.HANNA)
    hanna.page.set_viewport_size(ALONE)
    hanna.press(request, texts.LOOK)
    card = hanna.card(request)
    expect(card).to_contain_text("@Hanna Lead is looking at this")
    take(hanna.page, "looking", card, 0)
    hanna.command(f"grant @{people.VERA.name} take_action HR")
    expect(hanna.private("is granted to")).to_be_visible()
    hanna.command("grants")
    listed = hanna.private("Who may do what").last
    expect(listed).to_be_visible()
    take(hanna.page, "grants", listed, 0)
    hanna.close()


def outside(browser: Browser, demo: Demo) -> None:
    """The page of switches and the ledger."""
    page = browser.new_page(viewport=OUTSIDE, timezone_id="UTC")
    page.goto(demo.outside_url)
    expect(page.locator("#entries tr").first).to_be_visible()
    take(page, "outside-systems")


def take(page: Page, name: str, part: Locator | None = None, margin: int = MARGIN) -> None:
    """A picture of the page, or of a part and its surroundings; without the pointer over anything."""
    page.mouse.move(0, 0)
    box = part.bounding_box() if part else None
    clip = box and FloatRect(
        x=box["x"] - margin, y=box["y"] - margin, width=box["width"] + 2 * margin, height=box["height"] + 2 * margin
    )
    file = FOLDER / f"{name}.png"
    page.screenshot(path=file, clip=clip, animations="disabled", caret="hide")
    click.echo(f"{file}: {file.stat().st_size // 1024} KB")


if __name__ == "__main__":
    sys.exit(main())
