"""Who may not act, who comes late and who clicks twice (SPEC 5, 6)."""

from __future__ import annotations

import json

from engine.rules.allowed import Action
from tests.integration.bot.office import BOTH, CHANNEL, Office
from tests.support.engine import HANNA
from tests.support.poll import wait_until
from tests.support.slack_checks import check_view
from tests.support.slack_form import typed

pytestmark = BOTH


def test_whoever_may_not_act_is_told_what_is_missing_and_whom_to_ask(office: Office) -> None:
    number, card = office.blocked()
    office.vera.click(card, "retrigger.flow")
    office.message("Take action", thread=card["ts"])
    sentence = "You need the permission 'Take action' for HR. Ask hanna@example.com."
    assert office.told("U3") == office.told("U3", card["ts"]) == [sentence]
    office.vera.command(CHANNEL, f"REQ-{number} create_account input")
    wait_until(lambda: office.told("U3") == [sentence, sentence])
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


def test_an_old_button_of_a_step_that_is_blocked_again_opens_no_window(office: Office) -> None:
    """The step offers the same, but it is another block than the one that the person looked at."""
    number, old = office.blocked()
    for _ in range(3):
        office.room.engine.retrigger(HANNA, number, "create_account", flow=True)
        office.room.wait(number, "blocked")
    office.omar.click(old, "retrigger.flow")
    said = office.message("nothing was done")
    text = json.dumps(said["blocks"], ensure_ascii=False)
    assert "re-triggered step and flow at `create_account`" in text
    assert "`create_account` is blocked again (attempt 4): same error" in text
    office.omar.no_modal()


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
    conflict = wait_until(lambda: [text for text in office.told(loser) if "Nothing was done" in text])
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
