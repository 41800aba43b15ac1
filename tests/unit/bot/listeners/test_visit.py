"""Who came from where."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from bot.listeners.visit import of_click, of_command, of_submit
from bot.targets import Place


class _Bot(NamedTuple):
    people: Any = None


BOT: Any = _Bot()
USER = {"id": "U1", "team_id": "T1", "name": "hanna"}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"channel": {"id": "C1"}, "message": {"ts": "1.1"}}, Place("C1", "1.1")),
        ({"channel": {"id": "C1"}, "message": {"ts": "2.2", "thread_ts": "1.1"}}, Place("C1", "1.1")),
        ({"channel": {"id": "C1"}, "container": {"is_ephemeral": True, "message_ts": "3.3"}}, Place("C1", None)),
        ({"container": {"channel_id": "C1", "message_ts": "3.3", "thread_ts": "1.1"}}, Place("C1", "1.1")),
        ({"container": {"type": "view"}}, Place(None, None)),
        ({"channel": {"id": ""}, "container": {"message_ts": None}}, Place(None, None)),
    ],
)
def test_where_a_click_came_from(body: dict[str, Any], place: Place) -> None:
    visit = of_click(BOT, {"user": USER, "team": {"id": "T1"}, **body})
    assert (visit.team, visit.user, visit.name, visit.place) == ("T1", "U1", "hanna", place)


def test_who_submitted_and_who_typed_a_command() -> None:
    assert of_submit(BOT, {"user": USER, "team": None}, Place("C1")).team == "T1"
    visit = of_command(BOT, {"user_id": "U1", "team_id": "T1", "channel_id": "C1", "user_name": "hanna"})
    assert (visit.team, visit.user, visit.place) == ("T1", "U1", Place("C1"))
