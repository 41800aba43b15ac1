"""App Home says so where it cannot be made: Slack would show the old one, or nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.listeners.home import publish
from bot.people import Person
from bot.targets import HOME_REFRESH, Report
from bot.text import Dates
from engine.errors import StorageError
from engine.rules.permissions import Actor
from tests.support.slack_checks import check_view


class _Bot:
    """With an engine that fails, and a client that keeps what is published."""

    dates = Dates(plain=True)

    def __init__(self, error: Exception) -> None:
        self.error, self.shown = error, list[dict[str, Any]]()
        self.engine = self.people = self

    def person(self, team: str, user: str) -> Person:
        return Person(Actor("slack:T1/U1", "Hanna", "slack"))

    def apps(self, actor: Actor, *, tried: bool) -> list[str]:
        raise self.error

    def views_publish(self, *, user_id: str, view: dict[str, Any]) -> None:
        self.shown.append(view)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StorageError("The database <cannot> be reached."), "The database &lt;cannot&gt; be reached."),
        (ZeroDivisionError("of ours"), "Something went wrong in Retrigger itself; its log says what."),
    ],
)
def test_what_keeps_it_from_being_made_is_said_with_a_button_to_try_again(error: Exception, said: str) -> None:
    bot: Any = _Bot(error)
    kept = Report("HR", 3600).pack()
    publish(bot, bot, "T1", "U1", kept)
    (view,) = bot.shown
    check_view(view)
    assert said in json.dumps(view) and HOME_REFRESH in json.dumps(view)
    assert view["private_metadata"] == kept, "and what it showed before is not forgotten"
