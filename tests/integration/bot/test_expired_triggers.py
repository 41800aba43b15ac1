"""A Slack for which every window comes too late: whoever clicked or typed is told so, privately, and can go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.rules.permissions import Grant, Permission
from engine.states import StepStatus
from tests.integration.bot.office import CHANNEL, WORKSPACE, Office
from tests.support.engine import HANNA
from tests.support.poll import wait_until
from tests.support.slack_server import SlackServer

TOO_LATE = "Slack took too long to open the window, so nothing was done. Please try again."
ASKING = """
workflow: asking
app: HR
nodes:
  allow: {approval: {approvers: [hanna@example.com]}, approved: end, rejected: refusal}
  refusal: {end: {status: rejected}}
"""


@pytest.fixture(scope="module")
def slack() -> Iterator[SlackServer]:
    """Each trigger_id has expired when it comes."""
    with SlackServer(WORKSPACE, patience=0.0) as server:
        yield server


@pytest.fixture(scope="module")
def module_office(our_office: Office) -> Office:
    our_office.room.publish(ASKING)
    our_office.room.engine.grant(HANNA, Grant("U1", Permission.ADMIN))
    return our_office


@pytest.mark.parametrize("action", ["retrigger.step", "retrigger.flow", "retrigger.input", "retrigger.path"])
def test_a_button_of_the_card(office: Office, action: str) -> None:
    number, card = office.blocked()
    before = office.room.document(number)
    office.hanna.click(card, action)
    office.message(TOO_LATE)
    office.message(TOO_LATE, thread=card["ts"])
    assert set(office.told("U1")) == {TOO_LATE}
    assert office.room.document(number) == before


def test_a_command(office: Office) -> None:
    number, _ = office.blocked()
    office.hanna.command(CHANNEL, f"REQ-{number} create_account flow")
    office.message(TOO_LATE)


def test_a_button_of_app_home(office: Office, slack: SlackServer) -> None:
    office.blocked()
    hanna = slack.person("U1")
    hanna.open_home()
    hanna.click(hanna.home("blocked request"), "retrigger.path")
    wait_until(lambda: TOO_LATE in direct(office), "a direct message, as there is no channel")


def test_an_answer_to_who_is_asked(office: Office) -> None:
    number = office.room.submit("asking")
    office.room.wait(number, lambda document: document.steps[0].status is StepStatus.WAITING)
    (ask,) = wait_until(lambda: asks(office, number), "the question")
    told = direct(office).count(TOO_LATE)
    office.hanna.click(ask, "retrigger.approve")
    wait_until(lambda: told_at(office, ask).count(TOO_LATE) > told, "word of it where it was asked")
    assert office.room.document(number).steps[0].status is StepStatus.WAITING


def asks(office: Office, number: int) -> list[dict[str, Any]]:
    return [m for m in office.hanna.messages(office.direct("U1")) if f"REQ-{number} " in str(m)]


def direct(office: Office) -> list[str]:
    return [m["text"] for m in office.hanna.messages(office.direct("U1"))]


def told_at(office: Office, ask: dict[str, Any]) -> list[str]:
    return [*direct(office), *(m["text"] for m in office.hanna.messages(ask["channel"], thread=ask["ts"]))]
