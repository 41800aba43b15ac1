"""People at a real Slack server, the real bot, a real engine: clicks, windows, cards, threads, outcomes."""

from __future__ import annotations

import json
from typing import Any

from tests.integration.bot.office import BOTH, CHANNEL, Office
from tests.support.engine import HANNA
from tests.support.poll import wait_until
from tests.support.slack_checks import check_view
from tests.support.slack_form import typed

pytestmark = BOTH


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
    recovered = f"REQ-{number}: recovered: ✅ `create_account` completed (attempt 2)."
    ended = f"REQ-{number}: the flow has ended. The request is *Completed*."
    for told in (office.told("U1"), office.told("U1", card["ts"])):
        lines = [line for text in told for line in text.splitlines() if line.startswith((recovered, ended))]
        assert [line.startswith(recovered) for line in lines] == [True, False] and lines[-1] == ended
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
    wait_until(lambda: "does not fit" in office.hanna.errors()["request_body"])
    assert office.room.document(number).status.value == "blocked"
    office.hanna.submit(typed(request_body='{"id": "acc-1"}', reason="made by hand"))
    office.hanna.no_modal()
    office.room.wait(number, "completed")
    office.settled()
    assert office.told("U1")[-1] == f"REQ-{number}: the flow has ended. The request is *Completed*."
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
    office.room.engine.retrigger(HANNA, number, "create_account")
    office.room.wait(number, lambda d: d.blocked != () and len(d.steps[0].attempts) == 2)
    office.hanna.submit(typed(reason="hired elsewhere"))
    office.hanna.modal("changed after this plan was made. Nothing was done")
    assert office.room.document(number).status.value == "blocked"
    office.hanna.submit(typed(reason="hired elsewhere"))
    office.room.wait(number, "withdrawn")


def test_an_act_that_takes_long_is_acknowledged_and_then_told(office: Office, monkeypatch: Any) -> None:
    monkeypatch.setattr("bot.listeners.views.PATIENCE", 0.0)
    number, card = office.blocked()
    office.outside.error = None
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("remaining flow")
    office.hanna.submit()
    office.hanna.modal(f"REQ-{number} is In progress")
    office.room.wait(number, "completed")


def test_an_error_that_comes_late_stands_in_the_window_as_it_was(office: Office, monkeypatch: Any) -> None:
    monkeypatch.setattr("bot.listeners.views.PATIENCE", 0.0)
    number, _ = office.blocked()
    office.hanna.command(CHANNEL, f"REQ-{number} withdraw")
    office.hanna.modal("The request ends here")
    office.hanna.submit()
    check_view(office.hanna.modal("Withdrawing a request needs a reason."))
    office.hanna.submit(typed(reason="hired elsewhere"))
    office.room.wait(number, "withdrawn")
