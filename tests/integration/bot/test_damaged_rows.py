"""A hand has damaged what is stored of one request: it is told as damaged, and Slack shows and acts on all others."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from engine.rules.permissions import Grant, Permission
from storage.tables import requests
from tests.integration.bot.office import CHANNEL, Office
from tests.support.engine import HANNA
from tests.support.poll import wait_until
from tests.support.slack_server import Person

TOLD = "This cannot be read: the input of REQ-1 is damaged, or a newer Retrigger wrote it. Bring its row back"


@pytest.fixture(scope="module")
def module_office(our_office: Office) -> Office:
    our_office.room.engine.grant(HANNA, Grant("U1", Permission.ADMIN))
    return our_office


def wait_for(office: Office, text: str, times: int) -> None:
    wait_until(lambda: sum(text in told for told in office.told("U1")) == times, f"{text!r} to be told")


def test_slack_serves_every_other_request(office: Office) -> None:
    damaged, card = office.blocked()
    with office.room.database.writing() as connection:
        connection.execute(update(requests).where(requests.c.id == damaged).values(input='{"name": '))

    office.hanna.command(CHANNEL, f"REQ-{damaged}")
    wait_for(office, TOLD, 1)
    office.hanna.click(card, "retrigger.path")
    wait_for(office, TOLD, 2)
    whole, _ = office.blocked()
    office.hanna.command(CHANNEL, f"REQ-{whole}")
    wait_for(office, f"REQ-{whole}", 1)
    assert isinstance(office.hanna, Person)
    office.hanna.open_home()
    for number in (damaged, whole):
        office.hanna.home(f"*REQ-{number}*")
