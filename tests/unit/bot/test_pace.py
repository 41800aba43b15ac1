"""How fast the relay may speak."""

from __future__ import annotations

import pytest

from bot.pace import BURST, Pace


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
