"""What a submitted window holds."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from bot.listeners.typed import read
from bot.listeners.visit import of_click, of_command, of_submit
from bot.pace import BURST, Pace
from bot.targets import Place, Settled, Target, Ticket
from engine.allowed import Action

TICKET = Ticket(Action.FLOW, Target(42, "a", 7), Place())


def state(**fields: Any) -> dict[str, Any]:
    return {
        name: {name: {"value": value} if not isinstance(value, list) else {"selected_options": value}}
        for name, value in fields.items()
    }


def test_what_was_typed_and_ticked() -> None:
    ticked = [{"value": "x"}]
    found = read(
        state(reason=" mended ", version="4", new_key=ticked, update_status=[], request_body='{"a": 1}\n'), TICKET
    )
    assert found.settled == Settled(4, True, False)
    assert (found.reason, found.body, found.errors) == ("mended", '{"a": 1}\n', {})


@pytest.mark.parametrize("nothing", [{}, state(reason=None, version=None, request_body="  ", new_key=[])])
def test_untouched_fields_come_as_nothing(nothing: dict[str, Any]) -> None:
    found = read(nothing, TICKET)
    assert (found.settled, found.reason, found.body, found.errors) == (Settled(), None, None, {})


@pytest.mark.parametrize("version", ["four", "4.0", "-4", "²"])
def test_a_version_is_a_number(version: str) -> None:
    assert "version" in read(state(version=version), TICKET).errors


def test_a_confirmation_needs_its_tick_and_a_reason() -> None:
    ticket = TICKET._replace(confirm=True, settled=Settled(4))
    assert set(read({}, ticket).errors) == {"confirmation", "reason"}
    found = read(state(confirmation=[{}], reason="sure", version="9"), ticket)
    assert (found.confirmed, found.settled, found.errors) == (True, Settled(4), {})


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


def test_pace_holds_a_channel_and_spends_a_budget_of_updates() -> None:
    now = [0.0]
    pace = Pace(clock=lambda: now[0])
    pace.pause("chat_postMessage", "C1", 5)
    assert [pace.wait("chat_postMessage", channel) for channel in ("C1", "C2")] == [5, 0]
    assert pace.wait("chat_update", "C1") == 0
    assert all(pace.take_update() == 0 for _ in range(BURST))
    wait = pace.take_update()
    assert wait == pytest.approx(60 / 45)
    now[0] += wait
    assert pace.take_update() == pytest.approx(0)
    assert pace.wait("chat_postMessage", "C1") == pytest.approx(5 - wait)


def test_a_server_that_stands_for_slack_has_no_budget() -> None:
    pace = Pace(budget=False, clock=lambda: 0.0)
    assert not any(pace.take_update() for _ in range(1000))
