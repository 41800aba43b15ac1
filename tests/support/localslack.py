"""A local Slack for tests: the server that the demo uses, each on a port of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from retrigger.demo.local_slack import LocalSlack
from retrigger.demo.local_slack_binary import PINS, platform_name, provide

StartLocalSlack = Callable[[Mapping[str, Any]], LocalSlack]


@pytest.fixture(scope="session")
def local_slack_program() -> Path:
    """The program of the local Slack, fetched when this machine does not have it yet."""
    if platform_name() not in PINS:
        pytest.skip(f"there is no checked local-slack for {platform_name()}")
    return provide(print)


@pytest.fixture
def start_local_slack(local_slack_program: Path) -> Iterator[StartLocalSlack]:
    """Starts a server with the given workspace (local-slack's own format); it ends with the test."""
    with ExitStack() as started:
        yield lambda workspace: started.enter_context(LocalSlack(local_slack_program, workspace))
