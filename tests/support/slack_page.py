"""A person in front of the local Slack's page, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Locator, Page, ViewportSize, WebSocketRoute, expect

from retrigger.demo.people import CHANNEL_ID, Person
from tests.support.browser import PATIENCE

SIZE = ViewportSize(width=1400, height=900)


class SlackPage:
    """``person`` with the channel open. ``page`` is Playwright's, in a browser context of its own."""

    def __init__(self, browser: Browser, url: str, person: Person) -> None:
        self._context = browser.new_context(viewport=SIZE, timezone_id="UTC")
        self._context.set_default_timeout(PATIENCE)
        self._frozen = False
        self.page: Page = self._context.new_page()
        self.page.route_web_socket("**/ui", self._pass_on)
        self.page.goto(f"{url}/archives/{CHANNEL_ID}")
        self.page.select_option(".topbar .actas select", value=person.id)

    def close(self) -> None:
        """Leave. A modal that is still open goes, too: this Slack shows it to everybody."""
        self.page.evaluate("document.querySelector('.modal-x')?.click()")
        self._context.close()

    def card(self, request: str) -> Locator:
        """The request's card in the channel."""
        header = self.page.locator(".bk-header", has_text=re.compile(rf"^{request} · "))
        return self.page.locator(".messages .msg", has=header).filter(has_not=self.page.locator(".badge-eph"))

    def go(self, place: str) -> None:
        """To a channel, to somebody's direct messages with the bot, or to App Home (🏠), by its name at the left."""
        self.page.locator(".sidebar").get_by_text(place).click()

    def message(self, header: str) -> Locator:
        """The message in sight whose header begins with ``header``."""
        found = self.page.locator(".bk-header", has_text=re.compile(rf"^{re.escape(header)}"))
        return self.page.locator(".messages .msg", has=found)

    def press(self, request: str, label: str) -> None:
        """Press a button of the card."""
        self.card(request).get_by_role("button", name=label, exact=True).click()

    @property
    def modal(self) -> Locator:
        """The open modal."""
        return self.page.locator(".modal")

    def opened(self, title: str) -> Locator:
        """The modal with this title, once it can be submitted: before that, it says "Looking at …"."""
        expect(self.modal.locator(".modal-title")).to_have_text(title)
        expect(self.modal.locator(".modal-btn.primary")).to_be_visible()
        return self.modal

    def field(self, label: str) -> Locator:
        """The modal's text field under ``label``."""
        name = self.page.locator(".bk-label", has_text=re.compile(rf"^{label}$"))
        return self.modal.locator(".bk-input", has=name).locator("input")

    def tick(self, text: str) -> None:
        """Tick a box of the modal."""
        self.modal.get_by_label(text).check()

    def submit(self) -> None:
        """Press the modal's button."""
        self.modal.locator(".modal-btn.primary").click()

    def submitted(self) -> None:
        """Press it, and see the modal close."""
        self.submit()
        expect(self.modal).to_have_count(0)

    def dismiss(self) -> None:
        """Close the modal."""
        self.modal.locator(".modal-x").click()
        expect(self.modal).to_have_count(0)

    def command(self, text: str) -> None:
        """Type a slash command into the channel."""
        composer = self.page.locator(".main textarea.composer-input")
        composer.fill(f"/retrigger {text}".strip())
        composer.press("Enter")

    def private(self, text: str | re.Pattern[str]) -> Locator:
        """Messages in the channel that have ``text`` in them and say "only visible to you"."""
        seen = self.page.locator(".messages .msg", has=self.page.locator(".badge-eph"))
        return seen.filter(has_text=text)

    def open_thread(self, request: str) -> Locator:
        """The thread's lines that everybody sees, with the pane open."""
        self.card(request).locator(".thread-summary").click()
        pane = self.page.locator(".thread-pane", has=self.page.locator(".bk-header", has_text=f"{request} · "))
        expect(pane).to_be_visible()
        lines = pane.locator(".thread-divider ~ .msg").filter(has_not=self.page.locator(".badge-eph"))
        return lines.locator(".msg-text, .blocks")

    def widen_thread(self, pixels: int) -> None:
        """Drag the left edge of the thread's pane."""
        box = self.page.locator(".thread-pane").bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"], 300)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + box["width"] - pixels, 300)
        self.page.mouse.up()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The page hears nothing new meanwhile, as on a laptop that has just woken up; what it sends arrives."""
        self._frozen = True
        try:
            yield
            self.page.evaluate("0")  # what came meanwhile is handed to us, and dropped, before the answer to this
        finally:
            self._frozen = False

    def _pass_on(self, page: WebSocketRoute) -> None:
        server = page.connect_to_server()
        page.on_message(server.send)
        server.on_message(lambda message: None if self._frozen else page.send(message))
