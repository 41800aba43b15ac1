"""People at a real Slack server, the real bot, a real engine: clicks, windows, cards, threads, outcomes."""

from __future__ import annotations

import json
from typing import Any

from engine.allowed import Action
from tests.integration.bot.office import BOTH, CHANNEL, WORKFLOW, Office, eventually
from tests.support.engine import HANNA
from tests.support.slack_checks import check_view

pytestmark = BOTH
ONE_STEP = '  badge: {function: {name: bot.badge, args: {account: "a"}, isolation: thread}}\n'


def typed(**fields: Any) -> dict[str, dict[str, dict[str, Any]]]:
    """Values as the local Slack's page sends them: texts, and True for a ticked box."""

    def value(name: str, given: Any) -> dict[str, Any]:
        if given is True:
            return {"type": "checkboxes", "selected_options": [{"value": name}]}
        return {"type": "plain_text_input", "value": given}

    return {name: {name: value(name, given)} for name, given in fields.items()}


def test_step_and_flow_from_the_alert_to_the_outcome(office: Office) -> None:
    number, card = office.blocked()
    office.hanna.click(card, "retrigger.flow")
    view = office.hanna.modal("These steps will run: `create_account`, `badge`.")
    check_view(view)
    office.outside.error = None
    office.hanna.submit(typed(reason="identity is up again"))
    office.hanna.no_modal()
    office.room.wait(number, "completed")
    office.settled()
    card = office.card(number, "is Completed")
    assert [e["action_id"] for b in card["blocks"] for e in b.get("elements", []) if "action_id" in e] == [
        "retrigger.path"
    ]
    assert office.lines(card) == [
        "🔴 `create_account` is blocked (attempt 1): bot.account failed: RuntimeError: identity answered 503",
        "*Hanna Lead* re-triggered step and flow at `create_account`",
        "✅ `create_account` completed (attempt 2)",
        "✅ `badge` completed (attempt 1)",
        f"REQ-{number} is *Completed*",
    ]
    outcome = f"REQ-{number}: recovered: ✅ `create_account` completed (attempt 2). The request is *Completed*."
    assert office.told("U1")[-1] == office.told("U1", card["ts"])[-1] == outcome
    assert "reason: identity is up again" in json.dumps(office.posts(card["ts"]))


def test_step_only_with_the_box_then_continue_flow(office: Office) -> None:
    number, card = office.blocked()
    office.hanna.click(card, "retrigger.step")
    view = office.hanna.modal("Allow the workflow status to be updated")
    check_view(view)
    office.outside.error = None
    office.hanna.submit(typed(update_status=True))
    office.room.wait(number, lambda d: d.reason == "remaining steps not started")
    card = office.card(number, "held: nothing behind it starts until *Continue flow*")
    office.hanna.click(card, "retrigger.continue")
    check_view(office.hanna.modal("These steps will run: `badge`."))
    office.hanna.submit()
    office.room.wait(number, "completed")
    office.settled()
    assert office.lines(card)[1:] == [
        "*Hanna Lead* re-triggered `create_account` (this step only), allowing the workflow status to be updated",
        "✅ `create_account` completed (attempt 2)",
        "*Hanna Lead* continued the flow",
        "✅ `badge` completed (attempt 1)",
        f"REQ-{number} is *Completed*",
    ]


def test_blocked_again_is_told_with_what_changed(office: Office) -> None:
    number, card = office.blocked()
    office.hanna.click(card, "retrigger.step")
    office.hanna.modal("This action may affect")
    office.hanna.submit()
    office.message("is blocked again (attempt 2): same error", thread=card["ts"])
    office.outside.error = "identity answered 404"
    office.hanna.click(office.card(number, "2 tries so far"), "retrigger.flow")
    office.hanna.modal("remaining flow")
    office.hanna.submit()
    office.message("is blocked again (attempt 3), with another error", thread=card["ts"])
    office.settled()
    assert "with another error: bot.account failed: RuntimeError: identity answered 404" in office.told("U1")[-1]
    assert "3 tries so far" in json.dumps(office.card(number, "retrigger.input"))


def test_provide_input_keeps_the_text_until_it_fits(office: Office) -> None:
    number, card = office.blocked()
    office.hanna.click(card, "retrigger.input")
    view = office.hanna.modal("You can edit and provide inputs on the blocked node")
    check_view(view)
    (editor,) = [block for block in view["blocks"] if block.get("block_id") == "request_body"]
    assert json.loads(editor["element"]["initial_value"]) == {"id": ""}
    office.hanna.submit(typed(request_body='{"id": "acc-1",\n "x": }'))
    assert "Line 2, column 7" in office.hanna.errors()["request_body"]
    office.hanna.submit(typed(request_body='{"id": 7}'))
    eventually(lambda: "does not fit" in office.hanna.errors()["request_body"])
    assert office.room.document(number).status.value == "blocked"
    office.hanna.submit(typed(request_body='{"id": "acc-1"}', reason="made by hand"))
    office.hanna.no_modal()
    office.room.wait(number, "completed")
    office.settled()
    assert office.room.step(number, "create_account").result == {"id": "acc-1"}
    assert office.outside.calls == ["create_account", "badge"]
    assert "*Hanna Lead* provided input for `create_account`" in office.lines(card)


def test_an_editor_that_was_left_untouched_means_its_draft(office: Office) -> None:
    number, card = office.blocked()
    office.hanna.click(card, "retrigger.input")
    office.hanna.modal("Request body")
    office.hanna.submit()
    office.room.wait(number, "completed")
    assert office.room.step(number, "create_account").result == {"id": ""}


def test_withdraw_needs_a_reason(office: Office) -> None:
    number, card = office.blocked()
    office.hanna.command(CHANNEL, f"REQ-{number} withdraw")
    office.hanna.modal("The request ends here")
    office.hanna.submit()
    assert office.hanna.errors() == {"reason": "Withdrawing a request needs a reason."}
    office.hanna.submit(typed(reason="hired elsewhere"))
    office.room.wait(number, "withdrawn")
    office.card(number, "is Withdrawn")
    office.settled()
    assert office.lines(card)[-1] == f"*Hanna Lead* withdrew REQ-{number}"


def test_a_window_that_is_older_than_what_was_done_since_withdraws_nothing(office: Office) -> None:
    number, _ = office.blocked()
    office.hanna.command(CHANNEL, f"REQ-{number} withdraw")
    office.hanna.modal("The request ends here")
    office.outside.error, office.outside.badge_error = None, "the printer is out of paper"
    office.room.engine.retrigger(HANNA, number, "create_account", flow=True)
    office.room.wait(number, lambda d: bool(d.blocked) and d.blocked[0] == "badge")
    office.hanna.submit(typed(reason="hired elsewhere"))
    assert "Hanna Lead re-triggered step and flow at" in office.hanna.errors()["reason"]
    assert office.room.document(number).status.value == "blocked"


def test_whoever_withdraws_sees_first_that_somebody_re_triggered_the_step_alone(office: Office) -> None:
    number, _ = office.blocked()
    office.hanna.command(CHANNEL, f"REQ-{number} withdraw")
    office.hanna.modal("Stopped or taken back: `create_account`")
    office.outside.error = None
    office.room.engine.retrigger(HANNA, number, "create_account")
    office.room.wait(number, lambda d: not d.blocked)
    office.hanna.submit(typed(reason="hired elsewhere"))
    office.hanna.modal("changed after this plan was made. Nothing was done")
    assert office.room.document(number).status.value == "blocked"
    office.hanna.submit(typed(reason="hired elsewhere"))
    office.room.wait(number, "withdrawn")


def test_errors_of_the_version_stand_at_its_field(office: Office) -> None:
    number, card = office.blocked()
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("With version")
    office.hanna.submit(typed(version="four"))
    assert "number of a published version" in office.hanna.errors()["version"]
    office.hanna.submit(typed(version="9"))
    eventually(lambda: "There is no" in office.hanna.errors()["version"])
    office.hanna.submit(typed(version="1", reason="as it was"))
    office.outside.error = None
    office.hanna.modal("You chose: With version 1")
    office.hanna.submit(typed(reason="as it was"))
    office.room.wait(number, "completed")


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


# --- permission ----------------------------------------------------------------------------------------------------


def test_whoever_may_not_act_is_told_what_is_missing_and_whom_to_ask(office: Office) -> None:
    number, card = office.blocked()
    office.vera.click(card, "retrigger.flow")
    office.message("Take action", thread=card["ts"])
    sentence = "You need the permission 'Take action' for HR. Ask hanna@example.com."
    assert office.told("U3") == office.told("U3", card["ts"]) == [sentence]
    office.vera.command(CHANNEL, f"REQ-{number} create_account input")
    eventually(lambda: office.told("U3") == [sentence, sentence])
    refused = [event for event in office.room.document(number).events if event.kind == "refused"]
    assert [(event.by, event.door) for event in refused] == [("Vera Viewer", "slack")] * 2
    office.vera.click(card, "retrigger.path")  # seeing is permitted
    check_view(office.vera.modal("Progress Path"))


def test_permission_is_checked_again_at_submit(office: Office) -> None:
    """The local Slack shows one window to everybody: Hanna opens it, Vera presses Submit."""
    number, card = office.blocked()
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("remaining flow")
    office.vera.submit(typed(reason="let me"))
    assert "Take action" in office.vera.errors()["reason"]
    assert office.outside.calls == ["create_account"]
    assert office.room.document(number).status.value == "blocked"


# --- two people, stale buttons, double clicks ----------------------------------------------------------------------


def test_a_stale_button_only_says_what_has_happened_since(office: Office) -> None:
    number, old = office.blocked()
    office.outside.error = None
    office.hanna.click(old, "retrigger.flow")
    office.hanna.modal("remaining flow")
    office.hanna.submit()
    office.room.wait(number, "completed")
    office.settled()
    office.omar.click(old, "retrigger.flow")
    said = office.message("nothing was done")
    text = json.dumps(said["blocks"], ensure_ascii=False)
    assert "*Hanna Lead* re-triggered step and flow at `create_account`" in text
    assert f"REQ-{number} is *Completed*" in text
    assert office.outside.calls == ["create_account", "create_account", "badge"]


def test_two_people_submit_one_wins_and_the_other_is_told(office: Office) -> None:
    number, card = office.blocked()
    office.outside.error = None
    office.outside.wait = 0.3
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("remaining flow")
    office.omar.modal("remaining flow")
    office.hanna.submit()
    office.omar.submit()
    office.room.wait(number, "completed")
    office.settled()
    assert office.outside.calls == ["create_account", "create_account", "badge"]
    acts = [line for line in office.lines(card) if "re-triggered" in line]
    assert len(acts) == 1
    winner, loser = ("Hanna Lead", "U2") if "Hanna" in acts[0] else ("Omar Ops", "U1")
    conflict = eventually(lambda: [text for text in office.told(loser) if "Nothing was done" in text])
    assert f"{winner} re-triggered step and flow" in conflict[0]


def test_the_same_submit_twice_is_one_act(office: Office) -> None:
    number, card = office.blocked()
    office.outside.error = None
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("remaining flow")
    office.hanna.submit()
    office.hanna.submit()
    office.room.wait(number, "completed")
    office.settled()
    assert office.outside.calls == ["create_account", "create_account", "badge"]
    assert len([line for line in office.lines(card) if "re-triggered" in line]) == 1
    assert not [text for text in office.told("U1") if "Nothing was done" in text]


def test_a_window_whose_act_is_no_longer_offered_says_so(office: Office) -> None:
    number, card = office.blocked()
    office.outside.error = None
    office.hanna.click(card, "retrigger.step")
    office.hanna.modal("will only re-execute")
    office.hanna.submit()
    office.room.wait(number, lambda d: Action.CONTINUE in d.actions)
    office.hanna.click(office.card(number, "Continue flow"), "retrigger.continue")
    office.hanna.modal("These steps will run: `badge`.")
    office.outside.badge_error = "no badges left"
    office.room.engine.continue_flow(HANNA, number)
    office.room.wait(number, lambda d: d.blocked == ("badge",))
    office.hanna.submit()
    assert office.hanna.errors() == {"reason": f"Continue flow: nothing was done. REQ-{number} is Blocked."}
    office.message("*Hanna Lead* continued the flow · ")


def test_an_act_that_takes_long_is_acknowledged_and_then_told(office: Office, monkeypatch: Any) -> None:
    monkeypatch.setattr("bot.listeners.views.PATIENCE", 0.0)
    number, card = office.blocked()
    office.outside.error = None
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("remaining flow")
    office.hanna.submit()
    office.hanna.modal(f"REQ-{number} is In progress")
    office.room.wait(number, "completed")


def test_a_plan_that_is_shown_late_is_told_too(office: Office, monkeypatch: Any) -> None:
    monkeypatch.setattr("bot.listeners.views.PATIENCE", 0.0)
    _, card = office.blocked()
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("remaining flow")
    office.hanna.submit(typed(new_key=True))
    office.hanna.modal("You chose: Use a new idempotency key")
    office.message("Nothing was done yet: the window shows the plan once more.")
    assert office.outside.calls == ["create_account"]
