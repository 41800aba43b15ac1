"""Approvals in Slack: who is asked where, one answer, true messages, void buttons, and who is refused (SPEC 2, 5)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import events
from engine.commands.documents import RequestDocument
from engine.rules.permissions import Actor
from engine.states import StepStatus
from tests.integration.bot.office import CHANNEL, Office
from tests.support.engine import HANNA
from tests.support.poll import wait_until
from tests.support.slack_checks import check_view
from tests.support.slack_form import typed

OMAR = Actor("omar@example.com", "Omar Ops", "cli", mail="omar@example.com")
WORKFLOW = """
workflow: laptop
app: HR
title: "A laptop for {{ request.input.name }}"
sensitive: [request.input.salary]
nodes:
  allow: {approval: {approvers: %s, need: %s%s}, approved: end, rejected: refusal}
  refusal: {end: {status: rejected}}
"""
TWO = '[hanna@example.com, "omar@example.com"]'


def asked(office: Office, approvers: str = TWO, need: str = "any", more: str = "") -> int:
    """A request that waits for approval, with all who are asked told of it."""
    office.room.publish(WORKFLOW % (approvers, need, more))
    number = office.room.submit("laptop", {"name": "Ada", "salary": "123456789"})
    office.room.wait(number, _waits)
    office.settled()
    return number


def _waits(document: RequestDocument) -> bool:
    return document.steps[0].status is StepStatus.WAITING


def asks(office: Office, number: int, text: str = "") -> dict[str, dict[str, Any]]:
    """What asks for the approval of a request: by channel, once each shows ``text``."""

    def found() -> dict[str, dict[str, Any]]:
        posted = office.outbox.posted(number).values()
        known = office.hanna.everything()
        shown = {it.channel: known[it.ts] for it in posted if it.subject.startswith("ask:") and it.ts in known}
        return shown if all(text in json.dumps(m, ensure_ascii=False) for m in shown.values()) else {}

    return wait_until(found, f"what asks for approval with {text!r}")


def ask(office: Office, number: int, user: str) -> dict[str, Any]:
    """What asks this person, directly."""
    return asks(office, number)[office.direct(user)]


def whispers(office: Office, number: int, text: str) -> list[dict[str, Any]]:
    """What Hanna was told privately of a request, anywhere."""
    mine = [m for m in office.hanna.everything().values() if m.get("ephemeral_to") == "U1"]
    return [m for m in mine if m["text"].startswith(f"REQ-{number}: ") and text in m["text"]]


def buttons(message: dict[str, Any]) -> list[str]:
    return [
        element["text"]["text"]
        for block in message["blocks"]
        for element in block.get("elements", [])
        if "action_id" in element
    ]


def test_each_who_can_be_found_is_asked_directly_and_the_others_in_the_channel(office: Office) -> None:
    number = asked(office, '[hanna@example.com, "omar@example.com", carol@example.com, "@hr-admins", "key:robot"]')
    shown = asks(office, number)
    assert len(shown) == 3 and all(buttons(message) == ["Approve", "Reject"] for message in shown.values())
    assert "carol@example.com, @hr-admins" in json.dumps(shown[CHANNEL])
    assert "waits for your approval" in json.dumps(ask(office, number, "U2"))
    assert not [m for m in office.posts() if m["text"].startswith(f"REQ-{number} (")], "nothing is blocked: no alert"


def test_one_answer_ends_it_for_all(office: Office) -> None:
    number = asked(office)
    office.hanna.click(ask(office, number, "U1"), "retrigger.approve")
    view = office.hanna.modal("Ada")
    check_view(view)
    assert "123456789" not in json.dumps(view), "what is sensitive is masked"
    office.hanna.submit(typed(reason="she needs one"))
    office.hanna.no_modal()
    office.room.wait(number, "completed")
    for message in asks(office, number, "✅ approved.").values():
        assert buttons(message) == []
        assert "*Hanna Lead* approved `allow`" in json.dumps(message) and "she needs one" in json.dumps(message)


@pytest.mark.parametrize("reason", [None, "too dear"])
def test_a_rejection_says_why_if_the_person_does(office: Office, reason: str | None) -> None:
    number = asked(office)
    office.omar.click(ask(office, number, "U2"), "retrigger.reject")
    office.omar.modal("Ada")
    office.omar.submit(typed(reason=reason) if reason else None)
    office.room.wait(number, "rejected")
    for message in asks(office, number, "⛔ rejected.").values():
        assert buttons(message) == []
        assert ("too dear" in json.dumps(message)) is (reason is not None)


def test_with_all_the_one_who_has_answered_sees_who_is_missing(office: Office) -> None:
    number = asked(office, need="all")
    office.hanna.click(ask(office, number, "U1"), "retrigger.approve")
    office.hanna.modal("Ada")
    office.hanna.submit()
    wait_until(lambda: "waits for omar@example.com still" in json.dumps(ask(office, number, "U1")))
    assert buttons(ask(office, number, "U1")) == [] and buttons(ask(office, number, "U2")) == ["Approve", "Reject"]
    wait_until(lambda: "*Hanna Lead* approved" in json.dumps(ask(office, number, "U2")))
    office.omar.click(ask(office, number, "U2"), "retrigger.approve")
    office.omar.modal("Ada")
    office.omar.submit()
    office.room.wait(number, "completed")
    asks(office, number, "✅ approved.")


def test_the_second_of_two_is_told_who_was_first(office: Office) -> None:
    number = asked(office)
    before = ask(office, number, "U1")
    office.hanna.click(before, "retrigger.approve")
    office.hanna.modal("Ada")
    office.room.engine.answer(OMAR, number, "allow", False, reason="not this year")
    office.hanna.submit()
    assert "Omar Ops rejected" in office.hanna.errors()["reason"]
    office.hanna.dismiss()
    office.hanna.no_modal()
    office.hanna.click(before, "retrigger.approve")  # as it stood on her screen before
    told = wait_until(lambda: whispers(office, number, "nothing was done"))
    assert {message["channel"] for message in told} == {before["channel"]}
    assert "not this year" in json.dumps(told)
    assert [e.kind for e in office.room.document(number).events if e.kind in events.ACTS] == [events.REJECTED]


def test_who_is_not_asked_is_refused_privately_and_audited(office: Office) -> None:
    number = asked(office, '["@hr-admins"]')
    office.vera.click(asks(office, number)[CHANNEL], "retrigger.approve")
    wait_until(lambda: any("not among those who may answer allow" in text for text in office.told("U3")))
    refused = [event for event in office.room.document(number).events if event.kind == events.REFUSED]
    assert [(event.node, event.by) for event in refused] == [("allow", "Vera Viewer")]
    assert buttons(asks(office, number)[CHANNEL]) == ["Approve", "Reject"]


def test_issued_anew_the_old_buttons_are_void(office: Office) -> None:
    number = asked(office)
    old = ask(office, number, "U1")
    office.room.engine.retrigger(HANNA, number, "allow")
    office.room.wait(number, lambda d: len(d.steps[0].attempts) == 2 and _waits(d))
    office.settled()
    posted = office.outbox.posted(number)
    assert sorted(subject.split(":")[2] for subject in posted if subject.startswith("ask:")) == ["1", "1", "2", "2"]
    void = office.hanna.everything()[old["ts"]]
    assert "void; it is asked for anew" in json.dumps(void) and buttons(void) == []
    office.hanna.click(old, "retrigger.approve")
    wait_until(lambda: whispers(office, number, "no longer asked"))
    assert _waits(office.room.document(number))


def test_a_window_that_stood_open_while_it_was_issued_anew_answers_nothing(office: Office) -> None:
    number = asked(office)
    office.hanna.click(ask(office, number, "U1"), "retrigger.approve")
    office.hanna.modal("Reason")
    office.room.engine.retrigger(HANNA, number, "allow")
    office.room.wait(number, lambda d: len(d.steps[0].attempts) == 2 and _waits(d))
    office.hanna.submit()
    assert office.hanna.errors()["reason"]
    assert _waits(office.room.document(number))


@pytest.mark.parametrize("how", ["withdrawn", "time"])
def test_an_approval_that_is_over_asks_nobody_any_more(office: Office, how: str) -> None:
    number = asked(office, more=", timeout: 1h" if how == "time" else "")
    if how == "withdrawn":
        office.room.engine.withdraw(HANNA, number, reason="hired elsewhere")
    else:
        office.room.end_waits(number)
    office.room.wait(number, "withdrawn" if how == "withdrawn" else "rejected")
    what = "no longer asked for" if how == "withdrawn" else "not enough have approved in time"
    assert all(buttons(message) == [] for message in asks(office, number, what).values())


def test_a_bot_that_was_restarted_goes_on_where_it_was(office: Office) -> None:
    number = asked(office)
    office.reopen()
    office.omar.click(ask(office, number, "U2"), "retrigger.approve")
    office.omar.modal("Ada")
    office.omar.submit()
    office.room.wait(number, "completed")
    assert len(asks(office, number, "✅ approved.")) == 2
