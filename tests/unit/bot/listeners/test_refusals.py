"""Refusals: nothing that was typed becomes a mention, and who is named can be recognised."""

from __future__ import annotations

from typing import cast

from bot.command_line import Misspelt
from bot.context import Bot
from bot.listeners.refusals import refusal, sentence
from bot.listeners.visit import Visit
from bot.people import People
from bot.targets import Place
from engine.errors import NotPermitted
from tests.support.slack_checks import texts
from tests.unit.bot.profiles import HANNA, Slack, groups
from tests.unit.bot.user_groups import ADMINS


def visit() -> Visit:
    """Of Hanna's, whom the bot has met."""
    people = People(Slack(HANNA), groups(ADMINS), clock=lambda: 0.0)  # type: ignore[arg-type]  # fakes have what is called of them
    people.person("T1", "U1")
    return Visit(people, "T1", "U1", "hanna", Place("C1"))


def test_what_was_typed_is_escaped_in_the_fallback_too() -> None:
    told = refusal(cast(Bot, None), Misspelt("There is no command <!channel>."), visit())
    assert told.text == "There is no command &lt;!channel&gt;."
    assert list(texts(told.blocks)) == [told.text]


def test_in_a_field_whom_to_ask_is_named_and_no_id_is_shown() -> None:
    error = NotPermitted("Take action", "HR", ("U1", "S1", "boss@example.com"))
    assert sentence(error, visit()) == (
        "You need the permission 'Take action' for HR. Ask Hanna Lead or @hr-admins or boss@example.com."
    )
