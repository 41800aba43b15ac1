"""What a window lets choose, and when: another version, a new key, the confirmation (SPEC 4)."""

from __future__ import annotations

import json
from typing import Any

from tests.integration.bot.doors import OMAR
from tests.integration.bot.office import BOTH, CHANNEL, WORKFLOW, Office
from tests.support.poll import wait_until
from tests.support.slack_checks import check_view
from tests.support.slack_form import typed

pytestmark = BOTH
FORKED = """
workflow: forked
app: HR
title: Forked
nodes:
  fork: {branch: [account, allow]}
  account: {function: {name: bot.account, args: {name: Ada}, isolation: thread}, next: both}
  allow: {approval: {approvers: [omar@example.com]}, approved: both}
  both: {merge: {}, next: badge}
  badge: {function: {name: bot.badge, args: {account: "a"}, isolation: thread}}
"""
ONE_STEP = '  badge: {function: {name: bot.badge, args: {account: "a"}, isolation: thread}}\n'


def test_errors_of_the_version_stand_at_its_field(office: Office) -> None:
    number, card = office.blocked()
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("With version")
    office.hanna.submit(typed(version="four"))
    assert "number of a published version" in office.hanna.errors()["version"]
    office.hanna.submit(typed(version="9"))
    wait_until(lambda: "There is no" in office.hanna.errors()["version"])
    office.hanna.submit(typed(version="1", reason="as it was"))
    office.outside.error = None
    office.hanna.modal("You chose: With version 1")
    office.hanna.submit(typed(reason="as it was"))
    office.room.wait(number, "completed")


def test_what_is_no_fault_of_the_version_does_not_stand_at_its_field(office: Office) -> None:
    _, card = office.blocked()
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("With version")
    with office.database_away():
        office.hanna.submit(typed(version="1", reason="as it was"))
        assert list(office.hanna.errors()) == ["reason"]


def test_a_version_is_carried_out_only_once_its_plan_was_shown(office: Office) -> None:
    first = WORKFLOW.replace("workflow: onboarding", "workflow: moving")
    office.room.publish(first)
    number, card = office.blocked("moving")
    version = office.room.publish(first + ONE_STEP.replace("badge:", "visit:"))
    office.outside.error = None
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("These steps will run: `create_account`, `badge`.")
    office.hanna.submit(typed(version=str(version), reason="the new one"))
    again = office.hanna.modal("These steps will run: `create_account`, `badge`, `visit`.")
    check_view(again)
    assert f"You chose: With version {version}" in json.dumps(again)
    assert '"initial_value": "the new one"' in json.dumps(again)
    assert office.room.document(number).status.value == "blocked"
    assert office.outside.calls == ["create_account"]
    office.hanna.submit(typed(reason="the new one"))
    assert office.room.wait(number, "completed").version == version
    assert office.outside.calls == ["create_account", "create_account", "badge", "badge"]


def test_a_version_that_lacks_what_is_done_is_refused_at_its_field(office: Office) -> None:
    first = WORKFLOW.replace("workflow: onboarding", "workflow: leaving")
    office.room.publish(first)
    office.outside.error, office.outside.badge_error = None, "no badges left"
    number, card = office.blocked("leaving")
    lacking = "".join(first.partition("nodes:\n")[:2])
    version = office.room.publish(lacking + ONE_STEP)
    office.hanna.click(card, "retrigger.step")
    office.hanna.modal("will only re-execute")
    office.hanna.submit(typed(version=str(version)))
    assert "lacks steps that are already done: create_account" in office.hanna.errors()["version"]
    assert office.room.document(number).version != version
    assert office.outside.calls == ["create_account", "badge"]


def test_a_new_key_is_used_only_once_the_plan_with_it_was_shown(office: Office) -> None:
    number, card = office.blocked()
    office.outside.error = None
    office.hanna.click(card, "retrigger.step")
    office.hanna.modal("will only re-execute")
    office.hanna.submit(typed(new_key=True, update_status=True, reason="to be sure"))
    again = office.hanna.modal("You chose: Use a new idempotency key")
    assert "Allow the workflow status to be updated" in json.dumps(again)
    assert office.outside.calls == ["create_account"]
    office.hanna.submit(typed(reason="to be sure"))
    office.room.wait(number, lambda d: d.reason == "remaining steps not started")
    office.settled()
    assert office.lines(card)[1] == (
        "*Hanna Lead* re-triggered `create_account` (this step only), allowing the workflow status to be updated, "
        "with a new idempotency key"
    )


def test_no_payment_is_repeated_by_accident(office: Office) -> None:
    """The bank paid and did not say so. The same key again is safe; a new one needs a tick and a reason."""
    number, card = office.blocked("payment")
    assert "The last call: *accepted*." in json.dumps(card)
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("`pay` (the earlier one: accepted), with the same key")
    office.hanna.submit(typed(new_key=True))
    again = office.hanna.modal("The earlier call may have taken effect")
    check_view(again)
    assert "You chose: Use a new idempotency key" in json.dumps(again)
    assert "`pay` (the earlier one: accepted), under a new key" in json.dumps(again)
    office.hanna.submit(typed(reason="the bank says that nothing arrived"))
    assert set(office.hanna.errors()) == {"confirmation"}
    assert len(office.bank.keys) == 1
    office.bank.answer = {"receipt": 1}
    office.hanna.submit(typed(confirmation=True, reason="the bank says that nothing arrived"))
    office.room.wait(number, "completed")
    office.settled()
    assert len(set(office.bank.keys)) == len(office.bank.keys) == 2
    assert office.lines(card)[1] == (
        "*Hanna Lead* re-triggered step and flow at `pay`, with a new idempotency key, confirming that the earlier "
        "call may have taken effect"
    )


def test_a_plan_that_is_shown_late_is_told_too(office: Office, monkeypatch: Any) -> None:
    monkeypatch.setattr("bot.listeners.views.PATIENCE", 0.0)
    _, card = office.blocked()
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("remaining flow")
    office.hanna.submit(typed(new_key=True))
    office.hanna.modal("You chose: Use a new idempotency key")
    office.message("Nothing was done yet: the window shows the plan once more.")
    assert office.outside.calls == ["create_account"]


def test_a_plan_that_has_changed_since_it_was_shown_is_shown_anew_and_not_carried_out(office: Office) -> None:
    """What waited for an approval runs surely, once it is given."""
    office.room.publish(FORKED)
    number, card = office.blocked("forked")
    office.room.wait(number, lambda d: any(step.status.value == "waiting" for step in d.steps))
    office.hanna.click(card, "retrigger.flow")
    seen = json.dumps(office.hanna.modal("remaining flow"))
    office.room.engine.answer(OMAR, number, "allow", True)
    office.outside.error = None
    office.hanna.submit(typed(reason="it is back"))
    again = json.dumps(office.hanna.modal("changed after this plan was made. Nothing was done; look at the new plan."))
    assert "it is back" in again and again != seen
    assert office.outside.calls == ["create_account"]
    office.hanna.submit(typed(reason="it is back"))
    office.room.wait(number, "completed")
    assert office.outside.calls == ["create_account", "create_account", "badge"]


def test_whoever_ends_a_request_sees_first_what_was_done_about_it_since(office: Office) -> None:
    """Though the window would list the same."""
    number, _ = office.blocked()
    office.hanna.command(CHANNEL, f"REQ-{number} withdraw")
    office.hanna.modal("Withdraw")
    office.room.engine.retrigger(OMAR, number, "create_account")
    office.room.wait(number, lambda d: [a.outcome for a in d.steps[0].attempts] == ["failed", "failed"])
    office.hanna.submit(typed(reason="not wanted"))
    office.hanna.modal("changed after this plan was made. Nothing was done; look at the new plan.")
    assert office.room.document(number).status == "blocked"
    office.hanna.submit(typed(reason="not wanted"))
    office.room.wait(number, "withdrawn")
