"""A real browser for tests: the system's Chromium, or Playwright's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

PATIENCE = 60_000  # milliseconds; a machine that runs many tests at once is slow at times
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def open_browser() -> Iterator[Browser | None]:
    """A browser without a window; None when this machine has none."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    with sync_playwright() as playwright:
        if found is None and not Path(playwright.chromium.executable_path).exists():
            yield None
            return
        browser = playwright.chromium.launch(executable_path=found, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser of a module's tests. (Not of the session's: Playwright keeps an event loop running in its thread.)"""
    expect.set_options(timeout=PATIENCE)
    with open_browser() as browser:
        if browser is None:
            pytest.skip("there is no Chromium on this machine")
        yield browser
