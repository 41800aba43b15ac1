"""Two people at a blocked request: who is looking at it is on the card, and locks nobody out."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import update

from engine import events
from engine.limits import LOOK_SECONDS
from storage import tables
from tests.integration.bot.office import Office
from tests.support.poll import wait_until
from tests.support.slack_form import typed

HANNA_LOOKS = "👀 *@Hanna Lead* is looking at this, until"


def labels(card: dict[str, Any]) -> list[str]:
    return [e["text"]["text"] for b in card["blocks"] for e in b.get("elements", []) if "action_id" in e]


def test_it_is_shown_on_the_card_and_told_once_in_the_thread(office: Office) -> None:
    number, card = office.blocked()
    assert labels(card)[-2:] == ["Progress Path", "I'm looking at this"]
    office.hanna.click(card, "retrigger.look")
    card = office.card(number, HANNA_LOOKS)
    assert labels(card)[-1] == "Stop looking"
    office.hanna.click(card, "retrigger.look")  # once more: for longer
    wait_until(lambda: [e.kind for e in office.room.document(number).events].count(events.LOOKING) == 2)
    office.settled()
    assert office.lines(card)[1:] == ["👀 *Hanna Lead* is looking at this"]
    office.hanna.click(office.card(number, HANNA_LOOKS), "retrigger.look_away")
    wait_until(lambda: "👀" not in json.dumps(office.card(number, "is *blocked*"), ensure_ascii=False))
    assert office.room.document(number).looking is None


def test_of_two_clicks_on_the_same_card_one_wins_and_the_other_is_told(office: Office) -> None:
    number, card = office.blocked()
    office.hanna.click(card, "retrigger.look")
    office.card(number, HANNA_LOOKS)
    office.omar.click(card, "retrigger.look")  # the card as it was when nobody looked
    wait_until(lambda: any("Hanna Lead began at" in text for text in office.told("U2")))
    assert (looking := office.room.document(number).looking) is not None and looking.by == "Hanna Lead"
    office.omar.click(office.card(number, HANNA_LOOKS), "retrigger.look")  # and now he takes it over
    office.card(number, "👀 *@Omar Ops* is looking at this")


def test_it_locks_nobody_out_and_ends_with_the_block(office: Office) -> None:
    number, card = office.blocked()
    office.omar.click(card, "retrigger.flow")
    office.omar.modal("These steps will run")
    office.hanna.click(card, "retrigger.look")
    office.card(number, HANNA_LOOKS)
    office.outside.error = None
    office.omar.submit(typed(reason="it is up again"))
    office.omar.no_modal()
    office.room.wait(number, "completed")
    card = office.card(number, "is Completed")
    assert "👀" not in json.dumps(card, ensure_ascii=False) and labels(card) == ["Progress Path"]
    office.room.check_audit()


def test_the_card_loses_it_when_its_time_is_over(office: Office) -> None:
    number, card = office.blocked()
    office.hanna.click(card, "retrigger.look")
    office.card(number, HANNA_LOOKS)
    office.settled()
    _later(office, number, LOOK_SECONDS)
    wait_until(lambda: "👀" not in json.dumps(office.card(number, "is *blocked*"), ensure_ascii=False))


def test_who_may_not_act_may_not_say_so(office: Office) -> None:
    number, card = office.blocked()
    office.vera.click(card, "retrigger.look")
    wait_until(lambda: any("Take action" in text for text in office.told("U3")))
    told = [(event.kind, event.by) for event in office.room.document(number).events[-1:]]
    assert told == [(events.REFUSED, "Vera Viewer")]


def _later(office: Office, number: int, seconds: float) -> None:
    """As if so much time had gone by since: what was kept of it is moved into the past."""
    told = [event for event in office.room.store.detail(number).events if event.kind == events.LOOKING][-1]
    assert told.data is not None
    moved = json.dumps({name: at - seconds for name, at in told.data.items()})
    kept = (tables.events.c.request_id == number, tables.events.c.kind == events.LOOKING)
    due = (tables.outbox.c.request_id == number, tables.TO_TELL)
    when = {"created_at": tables.outbox.c.created_at - seconds, "due_at": tables.outbox.c.due_at - seconds}

    def run(connection: Any, now: float) -> None:
        connection.execute(update(tables.events).where(*kept).values(data=moved))
        connection.execute(update(tables.outbox).where(*due).values(when))

    office.room.store.writer.write(run)
