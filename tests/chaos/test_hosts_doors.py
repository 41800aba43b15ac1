"""Two hosts with the API and two with the bot, none of them special; some are cut off from PostgreSQL for a while."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.functions import function
from engine.limits import SILENT_SECONDS
from tests.integration.bot.office import BOT_TOKEN, CHANNEL, SIGNING_SECRET, WORKSPACE
from tests.support.hosts.network import DATABASE
from tests.support.hosts.site import Site
from tests.support.poll import wait_until
from tests.support.slack_server import SlackServer

pytestmark = pytest.mark.postgres

SETTINGS = f"""
lease: 3s
apps: {{HR: {{channel: {CHANNEL}}}}}
grants:
- {{who: hanna@example.com, permission: admin}}
- {{who: "key:portal", permission: submit}}
- {{who: "key:portal", permission: view_reports}}
"""
WORKFLOW = """
workflow: onboarding
app: HR
title: Onboard
nodes:
  create_account: {function: {name: doors.account, args: {}, isolation: thread}}
"""
PROMPT = 2.5  # seconds, at most, until /readyz answers, whatever does not
TOLD = 2 * SILENT_SECONDS + 2.0  # seconds, at most, until whoever clicked is told: two connections' silence
BACK = 10.0  # seconds, at most, until it is ready again once the cable is mended
_broken = [True]


@function("doors.account")
def account() -> str:
    if _broken[0]:
        raise RuntimeError("identity answered 503")
    return "acc-1"


class Doors:
    """``hanna`` is in front of a Slack that sends what she does to one of the bots."""

    def __init__(self, site: Site, slack: SlackServer, strict_times: bool) -> None:
        self.site, self.slack, self.strict_times = site, slack, strict_times
        self._world = site.host("world").namespace
        self.hanna = slack.person("U1")

    def click(self, bot: str, where: dict[str, Any], action: str) -> None:
        self.slack.deliveries.post_to(f"{self.site.outside_of(bot)}/slack/events", SIGNING_SECRET)
        self._world.run(lambda: self.hanna.click(where, action).wait())

    def submit(self) -> None:
        self._world.run(lambda: self.hanna.submit().wait())

    def told(self) -> bool:
        """Whether Hanna knows, privately, that the database is away."""
        private = [m for m in self.hanna.messages(CHANNEL) if m.get("ephemeral_to") == "U1"]
        return any("cannot be reached" in str(message) for message in private)

    def reasons(self, name: str) -> list[str]:
        """Why the host is not ready; empty when it is. It says so at once."""
        with self.within(PROMPT, "/readyz to answer"):
            answer = self.site.call(name, "GET", "/readyz")
        reasons: list[str] = answer.json()["reasons"]
        assert answer.status_code == (503 if reasons else 200)
        return reasons

    def wait_until_ready(self, name: str) -> None:
        wait_until(lambda: not self.reasons(name), f"{name} to be ready")

    @contextmanager
    def within(self, seconds: float, what: str) -> Iterator[None]:
        """It takes no longer than that, where promised times are asked for."""
        begun = time.monotonic()
        yield
        took = time.monotonic() - begun
        print(f"{what}: {took:.1f} s")  # noqa: T201  # with -s, whoever runs it sees what it took
        assert took < seconds or not self.strict_times


@pytest.fixture
def doors(tmp_path: Path, strict_times: bool) -> Iterator[Doors]:
    _broken[0] = True
    with Site.built(tmp_path, SETTINGS) as site:
        world = site.host("world")
        with world.serve(lambda host: SlackServer(WORKSPACE, host)) as slack:
            tokens = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_SIGNING_SECRET": SIGNING_SECRET}
            tokens["SLACK_API_URL"] = slack.api_url
            for name in ("api1", "api2"):
                site.begin("api", name)
            for name in ("bot1", "bot2"):
                site.begin("bot", name, tokens)
            site.room.publish(WORKFLOW)
            site.room.start()
            site.ready("api", "api1", "api2")
            site.ready("bot", "bot1", "bot2")
            yield Doors(site, slack, strict_times)
            assert slack.refused == []


def test_doors_that_are_cut_off_say_so_and_come_back(doors: Doors) -> None:
    site, hanna = doors.site, doors.hanna
    key = site.front.out("key", "create", "portal").split()[0]
    everybody = ("api1", "api2", "bot1", "bot2")
    for name in everybody:
        doors.wait_until_ready(name)
    number = site.call("api1", "POST", "/v1/workflows/onboarding/requests", key, input={}).json()["id"]
    card = hanna.message(CHANNEL, "is *blocked*")

    for name in ("api1", "bot1"):
        site.host(name).cut_off(DATABASE)
    for name in ("api1", "bot1"):
        wait_until(partial(doors.reasons, name), f"{name} to say that it is cut off")
    assert site.call("api1", "GET", "/healthz").status_code == 200
    assert site.call("api2", "GET", f"/v1/requests/{number}", key).json()["status"] == "blocked"
    with doors.within(TOLD, "clicked, until told"):
        doors.click("bot1", card, "retrigger.flow")
        wait_until(doors.told, "Hanna to be told why")
    refused = site.call("api1", "GET", f"/v1/requests/{number}", key)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert "cannot be reached" in refused.json()["detail"]
    _broken[0] = False
    doors.click("bot2", card, "retrigger.flow")
    hanna.modal("remaining flow")
    doors.submit()
    assert not doors.reasons("api2")

    for name in ("api1", "bot1"):
        site.host(name).reconnect()
    with doors.within(BACK, "mended, until ready again"):
        for name in everybody:
            doors.wait_until_ready(name)
    site.room.wait(int(number.removeprefix("REQ-")), "completed")
    assert site.call("api1", "GET", f"/v1/requests/{number}", key).json()["status"] == "completed"
    wait_until(lambda: "Completed" in hanna.everything()[card["ts"]]["text"], "the card to show the end")
    doors.click("bot1", hanna.everything()[card["ts"]], "retrigger.path")
    hanna.modal(number)
    assert [m["ts"] for m in hanna.messages(CHANNEL) if "ephemeral_to" not in m] == [card["ts"]], "one card"
