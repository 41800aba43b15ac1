"""One outage blocks many: one card and one thread tell them, and from there they are re-triggered together (SPEC 7)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.limits import CAUSE_REQUESTS
from tests.integration.bot.office import WORKSPACE, Office
from tests.support.engine import HANNA
from tests.support.poll import PATIENCE, wait_until
from tests.support.slack_checks import check_view
from tests.support.slack_form import typed
from tests.support.slack_server import SlackServer

REASON = typed(reason="The bank is back.")
QUICK = {"rate": {"rate": {"type": "radio_buttons", "selected_option": {"value": "300"}}}}


@pytest.fixture
def own_office(tmp_path: Path) -> Iterator[Office]:
    """With a database of its own: what was blocked in other tests counts in none of these."""
    with SlackServer(WORKSPACE) as slack:
        office = Office(tmp_path, slack)
        try:
            office.open()
            yield office
        finally:
            office.close()


def blocked(office: Office, number: int) -> list[int]:
    """So many payments, that the bank answers without a receipt."""
    made = [office.room.submit("payment", {"name": f"Ada {place}"}) for place in range(number)]
    for request in made:
        office.room.wait(request, "blocked")
    office.settled(seconds=PATIENCE + number / 5)
    return made


def cause_card(office: Office, text: str = "blocked by one error") -> dict[str, Any]:
    """The newest cause card, once it shows ``text``."""

    def shown() -> list[dict[str, Any]]:
        cards = [m for m in office.posts() if "blocked by one error" in m["text"]]
        return [m for m in cards[-1:] if text in str(m)]

    return wait_until(shown, f"the cause card with {text!r}")[0]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("many", [30, pytest.param(500, marks=pytest.mark.slow)])
def test_many_get_one_card_with_a_count_that_stays_true(own_office: Office, many: int):
    office = own_office
    blocked(office, many - 3)
    cause_card(office, f"{many - 3} still blocked")
    blocked(office, 3)  # what is blocked later joins the same card
    cause_card(office, f"{many} still blocked")
    office.settled()
    posts = office.posts()
    assert len([m for m in posts if "blocked by one error" in m["text"]]) == 1
    assert len(posts) <= CAUSE_REQUESTS  # the cause card, and those that were told before the tenth came
    office.bank.answer = {"receipt": "r-1"}
    told_by_it = next(n for n in range(1, many + 1) if not any(m["text"].startswith(f"REQ-{n} ") for m in posts))
    office.room.engine.retrigger(HANNA, told_by_it, "pay", flow=True)
    card = office.card(told_by_it, "Completed")  # what is acted on singly has its own card from then on
    office.settled()
    assert office.lines(card)[0].startswith("*Hanna Lead* re-triggered")
    cause_card(office, f"{many - 1} still blocked")
    cause_card(office, "1 recovered")


def test_from_the_card_they_are_re_triggered_one_first_then_the_others(own_office: Office):
    office = own_office
    requests = blocked(office, 20)
    card = cause_card(office, "20 still blocked")
    office.bank.answer = {"receipt": "r-1"}
    office.hanna.click(card, "cause.retrigger")
    view = office.hanna.modal("One request goes first")
    check_view(view)
    assert "REQ-1 to REQ-20" in str(view)
    office.hanna.submit({})
    assert "reason" in office.hanna.errors()
    office.hanna.submit({**REASON, **QUICK})
    office.hanna.no_modal()
    cause_card(office, "20 recovered")
    office.message("is over: 🟢 20 recovered", thread=card["ts"])
    office.settled()
    lines = office.posts(card["ts"])
    assert lines[0]["text"].startswith("*Hanna Lead* began bulk re-trigger 1: 20 requests")
    assert len(lines) == 3
    assert "REQ-20" in str(lines[-1])
    assert len(office.bank.keys) == 40
    for request in requests:
        assert office.room.document(request).status.value == "completed"
    assert all(element["action_id"] != "cause.retrigger" for element in buttons(cause_card(office)))


def buttons(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [element for block in message["blocks"] for element in block.get("elements", []) if "action_id" in element]


def test_a_canary_that_fails_stops_it_and_the_stop_button_too(own_office: Office):
    office = own_office
    blocked(office, 12)
    card = cause_card(office, "12 still blocked")
    office.vera.click(card, "cause.retrigger")
    wait_until(lambda: any("permission" in text for text in office.told("U3")), "a refusal at the click")
    begin(office, card)
    office.message("Bulk re-trigger 1 is over, stopped since the canary did not recover: ", thread=card["ts"])
    card = cause_card(office, "the canary did not recover")
    office.bank.answer = {"receipt": "r-1"}
    begin(office, card, quick=False)
    card = cause_card(office, "a minute")
    office.vera.click(card, "cause.stop")
    wait_until(lambda: len([text for text in office.told("U3") if "permission" in text]) > 1, "another refusal")
    office.hanna.click(card, "cause.stop")
    office.message("Bulk re-trigger 2 is over, stopped since Hanna Lead stopped it: ", thread=card["ts"])
    cause_card(office, "Hanna Lead stopped it")


def begin(office: Office, card: dict[str, Any], *, quick: bool = True) -> None:
    office.hanna.click(card, "cause.retrigger")
    office.hanna.modal("One request goes first")
    office.hanna.submit({**REASON, **(QUICK if quick else {})})
    office.hanna.no_modal()
