"""The demo and people in front of it, for tests of the whole from the outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from retrigger.demo import people
from tests.e2e.small import SMALL
from tests.support.demo import Demo
from tests.support.slack_page import SlackPage

Visit = Callable[[people.Person], SlackPage]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, local_slack_program: Path) -> Iterator[Demo]:
    """One demo for all tests of this folder: each works on a request that no other one touches."""
    demo = Demo(tmp_path_factory.mktemp("demo"), local_slack_program)
    demo.submit_in_trouble()
    demo.publish(*SMALL)
    yield demo
    demo.stop()


@pytest.fixture
def visit(demo: Demo, chromium: Browser) -> Iterator[Visit]:
    """Opens the channel as somebody, in a browser context of their own."""
    with ExitStack() as open_pages:

        def visit(person: people.Person) -> SlackPage:
            page = SlackPage(chromium, demo.slack_url, person)
            open_pages.callback(page.close)
            return page

        yield visit


@pytest.fixture
def hanna(visit: Visit) -> SlackPage:
    """Hanna, who may act, with the channel open."""
    return visit(people.HANNA)
