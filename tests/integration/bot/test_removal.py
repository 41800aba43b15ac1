"""The app is taken out of the workspace, or its token is: nothing is told there, nothing is lost, and it goes on."""

from __future__ import annotations

import pytest

from tests.integration.bot.office import Office
from tests.support.poll import wait_until
from tests.support.slack_server import SlackServer


@pytest.fixture(scope="module")
def module_office(our_office: Office) -> Office:
    return our_office


@pytest.mark.parametrize(
    "event", [{"type": "app_uninstalled"}, {"type": "tokens_revoked", "tokens": {"bot": ["U0BOT"]}}]
)
def test_nothing_is_sent_until_a_token_works(
    office: Office, slack: SlackServer, monkeypatch: pytest.MonkeyPatch, event: dict[str, object]
) -> None:
    office.settled()
    monkeypatch.setattr("bot.gate.EVERY", 0.2)
    slack.workspace.token_error = "token_revoked"
    slack.event(**event).wait()
    (removal,) = wait_until(office.removals.removals)
    assert (removal.team, removal.reason) == ("T1", event["type"])
    posts, tries = slack.faults.count("chat.postMessage"), slack.faults.count("auth.test")
    number = office.room.submit("onboarding", {"name": "Ada"})
    office.room.wait(number, "blocked")
    wait_until(lambda: slack.faults.count("auth.test") > tries + 1)
    assert slack.faults.count("chat.postMessage") == posts
    assert office.removals.removals() == [removal]

    slack.workspace.token_error = ""

    office.card(number, "is *blocked*")
    office.settled()
    assert office.removals.removals() == []
    assert len(office.posts()) == 1


def test_a_persons_token_and_a_token_that_still_works_stop_nothing(
    office: Office, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.gate.EVERY", 0.2)
    slack.event(type="tokens_revoked", tokens={"oauth": ["U1"], "bot": []}).wait()
    slack.event(type="tokens_revoked", tokens={"bot": ["U0BOT"]}).wait()
    office.blocked()
    office.settled()
    wait_until(lambda: office.removals.removals() == [])


def test_a_bot_that_starts_with_a_token_that_works_forgets_what_was(office: Office) -> None:
    office.removals.removed("T1", "app_uninstalled")
    office.reopen()
    wait_until(lambda: office.removals.removals() == [])
    office.blocked()
