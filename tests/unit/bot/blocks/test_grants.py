"""Permissions in words."""

from __future__ import annotations

from bot.blocks import grants
from bot.blocks.fit import Message
from bot.text import Dates, bold
from engine.errors import NotPermitted
from engine.rules.permissions import Actor, Grant, Permission
from tests.support.slack_checks import check_message, texts
from tests.unit.bot import samples

DATES = Dates(plain=True)
HANNA = Actor("slack:T1/U1", "Hanna Lead", "slack", "hanna@example.com", "U1", frozenset({"@hr-admins", "S1"}))
AT = 1_700_000_000.0
GRANTED = "granted by *Omar*, 14 Nov 2023, 22:13 UTC"


def name(who: str) -> str:
    return {"S1": "*@hr-admins*", "U1": "<@U1>", "U2": "<@U2>"}.get(who, f"*{who}*")


def said(message: Message) -> str:
    check_message(*message)
    return "\n".join(texts(message.blocks))


def test_whoami_names_the_source_of_each_grant_and_by_what_it_is_theirs() -> None:
    held = [
        Grant("Hanna@example.com", Permission.TAKE_ACTION, "HR"),
        Grant("U1", Permission.ADMIN, None, "Omar", AT),
        Grant("S1", Permission.SUBMIT, "Lab", "Omar", AT),
        Grant("@hr-admins", Permission.VIEW_REPORTS, None, "settings", AT),
    ]
    text = said(grants.whoami(HANNA, held, None, name, DATES))
    assert "You are *Hanna Lead*, `slack:T1/U1`, hanna@example.com" in text
    assert "• *Take action* for *HR*, by your e-mail address Hanna@example.com, from the settings file" in text
    assert f"• *Admin* for every application, by your Slack id `U1`, {GRANTED}" in text
    assert f"• *Submit* for *Lab*, by the user group *@hr-admins*, {GRANTED}" in text
    assert "by the user group *@hr-admins*, granted by *settings*" in text  # a person of that name is not the file
    assert "⚠️" not in text


def test_whoami_without_a_grant_says_whom_to_ask_and_why_some_may_not_count() -> None:
    text = said(grants.whoami(HANNA, [], "You are a guest here.", name, DATES))
    assert "You hold no permission. Ask whoever keeps Retrigger's settings file." in text
    assert "⚠️ You are a guest here." in text


def test_a_refusal_names_the_permission_the_application_and_whom_to_ask() -> None:
    message = grants.not_permitted(NotPermitted("Take action", "HR", ("U2", "S1")), "Groups are old.", name)
    text = said(message)
    assert "You need the permission *Take action* for *HR*. Ask <@U2> or *@hr-admins*." in text
    assert "⚠️ Groups are old." in text
    assert message.text == "You need the permission 'Take action' for HR. Ask U2 or S1. Groups are old."
    nobody = grants.not_permitted(NotPermitted("Take action", "HR"), None, name)
    assert "Ask whoever keeps Retrigger's settings file." in said(nobody)


def test_who_may_do_what() -> None:
    known = [Grant("vera@example.com", Permission.VIEW_REPORTS), Grant("U2", Permission.TAKE_ACTION, "HR", "Omar", AT)]
    text = said(grants.grants_list(known, None, name, DATES))
    assert "• *vera@example.com*: *View reports* for every application, from the settings file" in text
    assert f"• <@U2>: *Take action* for *HR*, {GRANTED}" in text
    assert "Nothing is granted to anybody." in said(grants.grants_list([], None, name, DATES))


def test_what_came_of_granting() -> None:
    grant = Grant("U2", Permission.TAKE_ACTION, "HR")
    given = [said(grants.granted(grant, new, name)) for new in (True, False)]
    assert given + [said(grants.revoked(grant, new, [], name, DATES)) for new in (True, False)] == [
        "✅ *Take action* for *HR* is granted to <@U2>.",
        "ℹ️ *Take action* for *HR* was granted to <@U2> already.",
        "✅ *Take action* for *HR* is revoked from <@U2>.",
        "ℹ️ *Take action* for *HR* was not granted to <@U2>.",
    ]


def test_a_revocation_says_by_what_they_hold_it_still() -> None:
    still = [Grant("S1", Permission.TAKE_ACTION, "HR"), Grant("bob@example.com", Permission.ADMIN, None, "Omar", AT)]
    text = said(grants.revoked(Grant("U2", Permission.TAKE_ACTION, "HR"), True, still, name, DATES))
    assert text == (
        "✅ *Take action* for *HR* is revoked from <@U2>.\n⚠️ They still hold *Take action*, by:\n"
        "• *@hr-admins*: *Take action* for *HR*, from the settings file\n"
        f"• *bob@example.com*: *Admin* for every application, {GRANTED}"
    )


def test_any_text_and_any_number_of_grants_stay_within_slacks_limits() -> None:
    for text in samples.TEXTS:
        many = [Grant(text, permission, text or None, text, AT) for permission in Permission] * 50
        actor = Actor("slack:T1/U1", text, "slack", text)
        for told in ([], many):
            check_message(*grants.whoami(actor, told, text, bold, DATES))
            check_message(*grants.grants_list(told, text, bold, DATES))
        check_message(*grants.not_permitted(NotPermitted(text, text, (text,)), text, bold))
