"""Offices for tests: the bot before the demo's Slack, or before one of our own, where things go wrong on order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from bot.http_mode import PATH
from retrigger.api.slack import slack_router
from retrigger.demo.local_slack import LocalSlack
from retrigger.serving import listen, serve
from tests.integration.bot.office import APP, SIGNING_SECRET, WORKSPACE, Office
from tests.support.slack_server import SlackServer


@pytest.fixture(scope="module")
def transport(request: pytest.FixtureRequest) -> str:
    """How Slack's payloads come: "socket", or as a module's parameters (office.BOTH) say."""
    way: str = getattr(request, "param", "socket")
    return way


@pytest.fixture(scope="module")
def module_office(
    tmp_path_factory: pytest.TempPathFactory, local_slack_program: Path, transport: str
) -> Iterator[Office]:
    with ExitStack() as stack:
        listening = listen("127.0.0.1", 0)
        workspace = WORKSPACE if transport == "socket" else _over_http(listening.getsockname()[1])
        slack = stack.enter_context(LocalSlack(local_slack_program, workspace))
        office = Office(tmp_path_factory.mktemp("office"), slack, transport)
        stack.callback(office.close)
        if transport == "http":
            api = FastAPI()
            api.include_router(slack_router(office))
            stack.callback(serve(api, listening, name="slack", grace=2.0).stop)
        else:
            listening.close()
        office.open()
        yield office


def _over_http(port: int) -> dict[str, Any]:
    way = {"mode": "events", "requestUrl": f"http://127.0.0.1:{port}{PATH}", "signingSecret": SIGNING_SECRET}
    return {**WORKSPACE, "apps": [{**APP, **way}]}


@pytest.fixture
def office(module_office: Office) -> Office:
    """The module's office, as new."""
    module_office.begin()
    return module_office


@pytest.fixture
def hasty(office: Office) -> Iterator[None]:
    """The relay waits for no answer for long, and tries again soon; its real times are in tests/unit/bot."""
    with pytest.MonkeyPatch.context() as hurried:
        hurried.setattr("bot.poster.TIMEOUT", 1)
        hurried.setattr("bot.relay.LONGEST_WAIT", 0.1)
        office.reopen()
        yield
    office.reopen()


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """What is in our own Slack. A module that needs more makes it anew."""
    return WORKSPACE


@pytest.fixture(scope="module")
def slack(facts: dict[str, Any], slack_patience: float) -> Iterator[SlackServer]:
    """Our own Slack, with faults on order. Nothing may have been sent to it that Slack would not take."""
    with SlackServer(facts, patience=slack_patience) as server:
        yield server
        assert server.refused == []


@pytest.fixture(scope="module")
def our_office(tmp_path_factory: pytest.TempPathFactory, slack: SlackServer) -> Iterator[Office]:
    """With our own Slack. A module that wants it makes it its ``module_office``."""
    office = Office(tmp_path_factory.mktemp("office"), slack)
    try:
        office.open()
        yield office
    finally:
        office.close()
