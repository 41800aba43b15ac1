"""Permissions given and taken back in Slack, groups that change, and Slack that does not tell of them (SPEC 6)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from engine.rules.permissions import Grant, Permission
from storage.tables import events
from tests.integration.bot.office import CHANNEL, WORKSPACE, Office
from tests.support.poll import wait_until
from tests.support.slack_server import Person, SlackServer, refuse

GROUPS = [
    {"id": "S1", "handle": "hr-admins", "name": "HR admins", "users": ["U3"]},
    {"id": "S2", "handle": "ops", "name": "Ops", "users": ["U2"]},
]


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    return {**WORKSPACE, "usergroups": GROUPS}


@pytest.fixture(scope="module")
def module_office(our_office: Office) -> Office:
    wait_until(lambda: our_office.door.groups.of("U3"), "the user groups")
    return our_office


def said(person: Person, text: str) -> str:
    """What the command is answered with, privately; what others are told in the channel meanwhile is none."""

    def private() -> list[dict[str, Any]]:
        return [message for message in person.messages(CHANNEL) if message.get("ephemeral_to") == person.user]

    before = len(private())
    person.command(CHANNEL, text)
    wait_until(lambda: len(private()) > before, f"an answer to {text!r}")
    found = private()[-1]
    assert found["subtype"] == "ephemeral"
    return "\n".join(block["text"]["text"] for block in found["blocks"] if "text" in block)


def audited(office: Office, kind: str) -> list[tuple[str, str, dict[str, object]]]:
    query = select(events.c.actor, events.c.door, events.c.data).where(events.c.kind == kind).order_by(events.c.id)
    with office.room.database.reading() as connection:
        return [(actor, door, json.loads(data)) for actor, door, data in connection.execute(query)]


def test_a_group_is_granted_by_its_id_counts_at_once_and_can_be_taken_back(office: Office, slack: SlackServer) -> None:
    hanna, vera = slack.person("U1"), slack.person("U3")
    assert said(hanna, "grant <!subteam^S1|@hr-admins> take_action HR") == (
        "✅ *Take action* for *HR* is granted to *@hr-admins*."
    )
    assert Grant("S1", Permission.TAKE_ACTION, "HR").key in {grant.key for grant in office.room.engine.grants()}
    assert "*Take action* for *HR*, by the user group *@hr-admins*, granted by *Hanna Lead*" in said(vera, "whoami")
    assert "was granted to *@hr-admins* already." in said(hanna, "grant @hr-admins take_action HR")
    assert "• *@hr-admins*: *Take action* for *HR*, granted by *Hanna Lead*" in said(hanna, "grants")
    assert "is revoked from *@hr-admins*." in said(hanna, "revoke @hr-admins take_action HR")
    assert "was not granted to *@hr-admins*." in said(hanna, "revoke @hr-admins take_action HR")
    assert "by the user group" not in said(vera, "whoami")
    given = {"who": "S1", "permission": "take_action", "app": "HR"}
    assert audited(office, "granted")[-1] == audited(office, "grant_revoked")[-1] == ("slack:T1/U1", "slack", given)


def test_wrong_words_get_the_right_ones(office: Office, slack: SlackServer) -> None:
    hanna = slack.person("U1")
    assert "There is no user group @hr-admns. Did you mean @hr-admins?" in said(hanna, "grant @hr-admns admin HR")
    assert "belongs to the application hr. Did you mean HR?" in said(hanna, "grant <@U3> admin hr")
    assert "There is no permission take_acton. Did you mean take_action?" in said(hanna, "grant <@U3> take_acton HR")
    assert "Write whom, what and for which application" in said(hanna, "grant <@U3>")


def test_only_an_admin_of_the_application_grants_and_learns_nothing_else(office: Office, slack: SlackServer) -> None:
    hanna, omar = slack.person("U1"), slack.person("U2")
    said(hanna, "whoami")  # whom the bot has met it can mention
    sentence = "You need the permission *Admin* for *every application*. Ask <@U1>."
    assert said(omar, "grant <@U2> admin") == said(omar, "grants") == sentence
    assert said(omar, "grant @hr-admns admin") == sentence  # and not which group there is
    said(hanna, "grant <@U2> admin Lab")
    assert said(omar, "grant <@U2> admin HR") == "You need the permission *Admin* for *HR*. Ask <@U1>."
    assert "is granted to" in said(omar, "grant <@U3> submit Lab")
    assert "U2" in said(omar, "grants") and "*HR*" not in said(omar, "grants")
    for grant in ("<@U2> admin Lab", "<@U3> submit Lab"):
        said(hanna, f"revoke {grant}")


def test_grants_of_the_settings_file_are_refused_with_where_to_change_them(office: Office, slack: SlackServer) -> None:
    hanna = slack.person("U1")
    assert "it can only be changed there: take it out under grants" in said(
        hanna, "revoke vera@example.com view_reports"
    )
    assert "The settings file grants this already" in said(hanna, "grant Vera@example.com view_reports")


def test_a_revocation_says_by_what_they_may_go_on(office: Office, slack: SlackServer) -> None:
    hanna = slack.person("U1")
    said(hanna, "grant <!subteam^S1> take_action HR")
    said(hanna, "grant <@U3> take_action HR")
    told = said(hanna, "revoke <@U3> take_action HR")
    assert told.startswith("✅ *Take action* for *HR* is revoked from <@U3>.\n⚠️ They still hold *Take action*, by:\n")
    assert "• *@hr-admins*: *Take action* for *HR*, granted by *Hanna Lead*" in told
    said(hanna, "revoke <!subteam^S1> take_action HR")
    told = said(hanna, "revoke vera@example.com take_action hr")  # by which she may see everything, no more
    assert told == "ℹ️ *Take action* for *hr* was not granted to <@U3>."


def test_groups_that_cannot_be_read_keep_their_members_and_that_is_said(office: Office, slack: SlackServer) -> None:
    hanna, vera = slack.person("U1"), slack.person("U3")
    said(hanna, "grant <!subteam^S1> take_action HR")
    slack.faults.add("usergroups.list", refuse("internal_error"), times=100)
    office.reopen()
    wait_until(lambda: office.door.groups.note, "the failed reading")
    assert "⚠️ Slack's user groups cannot be read now (Slack answered internal_error); the list of" in said(
        vera, "whoami"
    )
    assert "*Take action* for *HR*, by the user group *@hr-admins*" in said(vera, "whoami")
    _, card = office.blocked()
    vera.click(card, "retrigger.flow")
    vera.modal("remaining flow")
    slack.faults.clear()
    office.reopen()
    wait_until(lambda: office.door.groups.note is None, "the list")
    said(hanna, "revoke <!subteam^S1> take_action HR")
