"""Approvals that are asked for while Slack limits, fails and forgets: each is asked once, and what asks stays true."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

import pytest
from slack_sdk import WebClient
from sqlalchemy import update

from engine.rules.permissions import Actor
from storage.tables import TO_TELL, outbox
from tests.integration.bot.office import BOT_TOKEN, CHANNEL, Office
from tests.support.poll import wait_until
from tests.support.slack_server import FAULTS, Fault, Hold, SlackServer

OMAR = Actor("omar@example.com", "Omar Ops", "cli", mail="omar@example.com")
WORKFLOW = """
workflow: laptop
app: HR
nodes:
  allow: {approval: {approvers: [hanna@example.com, omar@example.com, "@hr-admins"]}, approved: end, rejected: refusal}
  refusal: {end: {status: rejected}}
"""
ASKED = 3  # Hanna and Omar directly, the group in the channel


def cases(places: Sequence[str], quick: Collection[tuple[int, int]]) -> list[Any]:
    """Every fault in every place, of which each costs a second or two: most are for the long form."""
    return [
        pytest.param(fault, place, marks=() if (number, where) in quick else pytest.mark.slow)
        for number, fault in enumerate(FAULTS)
        for where, place in enumerate(places)
    ]


EACH = cases(["U1", "U2", CHANNEL], {(0, 0), (1, 2), (2, 0), (3, 2), (4, 1)})
LOOK_UPS = cases(["conversations.open", "users.lookupByEmail"], {(1, 1)})


@pytest.fixture(scope="module")
def module_office(our_office: Office) -> Office:
    our_office.room.publish(WORKFLOW)
    return our_office


def submit(office: Office) -> int:
    number = office.room.submit("laptop")
    office.room.wait(number, lambda d: d.steps[0].status.value == "waiting")
    return number


def asking(office: Office, number: int) -> list[dict[str, Any]]:
    """All that asks for this request's approval, or did, anywhere in Slack."""
    name = f"REQ-{number} "
    return [m for m in office.hanna.everything().values() if "`allow`" in json.dumps(m) and name in json.dumps(m)]


def check_asked_once(office: Office, number: int, text: str, buttons: bool) -> None:
    """In each place once, showing ``text``."""
    office.settled()
    found = asking(office, number)
    assert sorted(m["channel"] for m in found) == sorted([CHANNEL, office.direct("U1"), office.direct("U2")])
    for message in found:
        assert text in json.dumps(message, ensure_ascii=False)
        assert ("retrigger.approve" in json.dumps(message)) is buttons


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(("fault", "place"), EACH)
def test_whichever_post_it_happens_to_each_is_asked_once(
    office: Office, slack: SlackServer, fault: Fault, place: str
) -> None:
    slack.faults.add("chat.postMessage", fault, channel=place if place == CHANNEL else office.direct(place))
    number = submit(office)
    check_asked_once(office, number, "Approve", True)
    slack.faults.add("chat.update", fault)
    office.room.engine.answer(OMAR, number, "allow", True, reason="he needs one")
    check_asked_once(office, number, "✅ approved.", False)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(("fault", "method"), LOOK_UPS)
def test_who_cannot_be_looked_up_now_is_not_asked_elsewhere(
    office: Office, slack: SlackServer, fault: Fault, method: str
) -> None:
    slack.faults.add(method, fault)  # the bot has just been started, and knows nobody yet
    check_asked_once(office, submit(office), "Approve", True)


def test_a_restart_between_two_posts(office: Office, slack: SlackServer) -> None:
    """The first is asked; the second was posted, and the bot stops before it knows."""
    hold = Hold(after=True)
    slack.faults.add("chat.postMessage", hold, channel=office.direct("U2"))
    number = submit(office)
    hold.wait()
    dead = office.door
    office.door = office.new_door()
    free_at_once(office)
    office.open()
    wait_until(lambda: office.outbox.waiting()[0] == 0)
    hold.release()
    dead.stop()
    check_asked_once(office, number, "Approve", True)


def free_at_once(office: Office) -> None:
    """What the dead one had taken is free when its lease has run out."""
    with office.room.database.engine.begin() as connection:
        connection.execute(update(outbox).where(TO_TELL).values(taken_until=None))


def test_answered_while_slack_was_away(office: Office, slack: SlackServer) -> None:
    number, late = submit(office), 0
    check_asked_once(office, number, "Approve", True)
    office.door.relay.stop()  # what is on its way just when somebody answers is asked, and then says so
    slack.away()
    try:
        late = submit(office)
        for request in (number, late):
            office.room.engine.answer(OMAR, request, "allow", True)
            office.room.wait(request, "completed")
    finally:
        slack.back()
        office.door.relay.start()
    check_asked_once(office, number, "✅ approved.", False)
    assert asking(office, late) == [], "nobody is asked for what is answered already"


def test_what_was_deleted_by_hand_is_not_asked_again(office: Office) -> None:
    number = submit(office)
    check_asked_once(office, number, "Approve", True)
    here = next(m for m in asking(office, number) if m["channel"] == CHANNEL)
    WebClient(BOT_TOKEN, base_url=office.slack.api_url).chat_delete(channel=CHANNEL, ts=here["ts"])
    office.room.engine.answer(OMAR, number, "allow", False, reason="not this year")
    office.settled()
    assert len(asking(office, number)) == ASKED - 1
    assert all("⛔ rejected." in json.dumps(m, ensure_ascii=False) for m in asking(office, number))


def test_a_guest_whom_it_names_is_not_asked_directly(
    office: Office, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their answer would not count: guests match nothing by their mail (SPEC 6)."""
    with monkeypatch.context() as now:
        now.setitem(slack.workspace.users["U2"], "is_restricted", True)
        office.reopen()  # which has looked nobody up yet
        number = submit(office)
        office.settled()
        assert {message["channel"] for message in asking(office, number)} == {office.direct("U1"), CHANNEL}
    office.reopen()
