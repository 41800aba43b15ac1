"""50 clicks a second from 20 people who all want the same: one act for one winner, and quick to be acknowledged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.clicks import Crowd, Turn, crowd, percentile
from tests.support.poll import PATIENCE
from tests.support.slack_server import SLACKS

RATE = 50  # clicks a second, and the windows that follow from them
SHORT = 2.0  # seconds: a hundred clicks
CARDS = 8  # that they press on, several of them on each; from 10 on there would be one card for all


@pytest.mark.parametrize("transport", ["socket", "http"])
def test_for_some_seconds(tmp_path: Path, transport: str) -> None:
    with crowd(tmp_path, transport, PATIENCE) as people:
        check(people, SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["socket", "http"])
def test_for_a_minute(tmp_path: Path, transport: str) -> None:
    with crowd(tmp_path, transport, SLACKS) as people:
        turns = check(people, 60.0)
    clicks = sorted(turn.click.sent_at for turn in turns)
    pace = len(clicks) / (clicks[-1] - clicks[0])
    assert pace > 0.9 * RATE, f"{pace:.0f} clicks/s: something else keeps the machine busy, so the times say nothing"
    assert percentile([delivery.took for turn in turns for delivery in turn.deliveries], 0.99) < 1.0


def check(people: Crowd, seconds: float) -> list[Turn]:
    """How quick all this is, is for the long form to ask, beside which no other tests run."""
    cards = people.blocked(CARDS)
    before = len(people.outside.calls)
    turns = people.turns(cards, RATE, seconds)

    won = sum(turn.won for turn in turns)
    assert 0 < won < len(turns)
    assert people.attempts(cards) == won
    assert len(people.outside.calls) - before == won
    assert not people.slack.refused
    return turns
