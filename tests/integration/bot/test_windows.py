"""What the local Slack cannot show: windows on windows, user groups, two people with a window each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import events
from engine.states import StepStatus
from tests.integration.bot.office import CHANNEL, WORKSPACE, Office
from tests.support.poll import wait_until
from tests.support.slack_checks import check_view
from tests.support.slack_form import typed

ASKING = """
workflow: asking
app: HR
title: "A laptop for {{ request.input.name }}"
nodes:
  allow: {approval: {approvers: [%s]}, approved: end, rejected: refusal}
  refusal: {end: {status: rejected}}
"""


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    group = {"id": "S0LEADS", "handle": "hr-leads", "name": "HR leads", "users": ["U2"]}
    return {**WORKSPACE, "usergroups": [group]}


@pytest.fixture(scope="module")
def module_office(our_office: Office) -> Office:
    return our_office


def asked(office: Office, approvers: str) -> int:
    office.room.publish(ASKING % approvers)
    number = office.room.submit("asking", {"name": "Ada"})
    office.room.wait(number, lambda document: document.steps[0].status is StepStatus.WAITING)
    office.settled()
    return number


def test_withdraw_is_in_the_progress_path_on_top_of_which_its_window_opens(office: Office) -> None:
    number, card = office.blocked()
    office.hanna.click(card, "retrigger.path")
    view = office.hanna.modal("Withdraw")
    check_view(view)
    office.hanna.click(view, "retrigger.withdraw")
    office.hanna.modal("The request ends here")
    office.hanna.submit(typed(reason="hired elsewhere"))
    office.hanna.no_modal()
    office.room.wait(number, "withdrawn")
    wait_until(lambda: any(f"REQ-{number} is Withdrawn" in text for text in office.told("U1")))


def test_a_group_is_mentioned_in_the_channel_and_whoever_is_in_it_answers(office: Office) -> None:
    number = asked(office, '"@hr-leads"')
    (message,) = [m for m in office.posts() if "<!subteam^S0LEADS>" in json.dumps(m)]
    assert message["channel"] == CHANNEL
    office.hanna.click(message, "retrigger.approve")
    wait_until(lambda: any("not among those who may answer" in text for text in office.told("U1")))
    office.omar.click(message, "retrigger.approve")
    office.omar.modal("Ada")
    office.omar.submit()
    office.room.wait(number, "completed")


def test_of_two_answers_at_once_one_counts_and_the_other_is_told_who_was_first(office: Office) -> None:
    number = asked(office, "hanna@example.com, omar@example.com")
    everything = office.hanna.everything()
    asks = {it.channel: everything[it.ts] for it in office.outbox.posted(number).values()}
    for person, answer in ((office.hanna, "retrigger.approve"), (office.omar, "retrigger.reject")):
        person.click(asks[f"D{person.user}"], answer)
        person.modal("Ada")
    for person in (office.hanna, office.omar):
        person.submit(typed(reason="so be it"))
    office.room.wait(number, lambda document: document.status.value in ("completed", "rejected"))
    answers = [event for event in office.room.document(number).events if event.kind in events.ACTS]
    assert len(answers) == 1, "one answer"
    late = office.omar if answers[0].by == "Hanna Lead" else office.hanna
    assert str(answers[0].by) in late.errors()["reason"]
