"""How fast the relay may speak."""

from __future__ import annotations

import itertools

import pytest

from bot.errors import ChannelMissing, RateLimited, ScopeMissing, SlackError
from bot.pace import BURST, FRESH, UPDATES_BURST, Pace

POST, UPDATE = "chat_postMessage", "chat_update"


class Time:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def pace(clock: Time) -> Pace:
    return Pace(clock=clock)


def wait(refused: SlackError | None) -> float:
    return 0.0 if refused is None else refused.wait or 0.0


def test_a_limit_is_for_one_channel_and_one_method(pace: Pace) -> None:
    pace.learn(POST, "C1", RateLimited(5))
    assert [wait(pace.take(POST, channel)) for channel in ("C1", "C2")] == [5, 0]
    assert pace.take(UPDATE, "C1") is None


def test_posts_have_no_limit_before_slack_says_so(pace: Pace) -> None:
    assert not any(pace.take(POST, "C1") for _ in range(1000))


def test_what_is_fresh_does_not_wait_behind_a_whole_backlog(pace: Pace, clock: Time) -> None:
    pace.learn(POST, "C1", RateLimited(5))
    backlog = [wait(pace.take(POST, "C1")) for _ in range(1000)]
    fresh = [wait(pace.take(POST, "C1", fresh=True)) for _ in range(3)]
    assert fresh == [pytest.approx(5), pytest.approx(6), pytest.approx(7)]
    clock.now = fresh[0]
    assert pace.take(POST, "C1", fresh=True) is None
    storm = [wait(pace.take(POST, "C1", fresh=True)) for _ in range(100)]
    assert sum(turn <= FRESH for turn in storm) <= FRESH + 1
    assert storm[-1] > backlog[-1] - clock.now, "more than there is room for queues up as everything else"


def test_who_waits_gets_a_turn_of_their_own_and_there_is_room_for_what_is_new(pace: Pace, clock: Time) -> None:
    """20 posts wait; each comes back once, at its turn, and finds room; so does a new one every few seconds."""
    pace.learn(POST, "C1", RateLimited(5))
    turns = [wait(pace.take(POST, "C1")) for _ in range(20)]
    assert turns[0] == 5
    assert all(b - a == pytest.approx(4 / 3) for a, b in itertools.pairwise(turns))
    sent = 0
    for place, turn in enumerate(turns):
        clock.now = turn
        assert pace.take(POST, "C1") is None, f"at {turn} s"
        sent += 1
        if place % 5 == 4:
            assert pace.take(POST, "C1") is None, "a new alert"
            sent += 1
        assert sent <= BURST + (clock.now - 5) * 60 / 60


def test_after_a_minute_without_complaint_there_is_no_limit_again(pace: Pace, clock: Time) -> None:
    pace.learn(POST, "C1", RateLimited(5))
    clock.now = 66
    assert not any(pace.take(POST, "C1") for _ in range(100))


def test_updates_have_a_budget_for_all_channels_together(pace: Pace) -> None:
    assert not any(pace.take(UPDATE, f"C{number}") for number in range(UPDATES_BURST))
    assert wait(pace.take(UPDATE, "C1")) == pytest.approx(60 / 45)


def test_a_server_that_stands_for_slack_has_no_budget() -> None:
    pace = Pace(budget=False, clock=lambda: 0.0)
    assert not any(pace.take(UPDATE, "C1") for _ in range(1000))


def test_a_server_that_stands_for_slack_is_asked_again_as_soon_as_it_says(clock: Time) -> None:
    pace = Pace(budget=False, clock=clock)
    pace.learn(POST, "C1", RateLimited(1))
    assert wait(pace.take(POST, "C1")) == 1
    clock.now = 1
    assert not any(pace.take(POST, "C1") for _ in range(100))


def test_a_channel_that_takes_nothing_is_tried_once_a_minute(pace: Pace, clock: Time) -> None:
    pace.learn(POST, "C1", ChannelMissing("is_archived"))
    refused = pace.take(UPDATE, "C1")
    assert isinstance(refused, ChannelMissing)
    assert (refused.code, refused.wait) == ("is_archived", 60)
    assert pace.take(POST, "C2") is None
    assert pace.take(POST, "U1") is None
    clock.now = 60
    assert pace.take(POST, "C1") is None


def test_whoever_takes_no_direct_message_concerns_nobody_else(pace: Pace) -> None:
    pace.learn(POST, "U1", ChannelMissing("channel_not_found"))
    assert pace.take(POST, "U2") is None


def test_a_missing_scope_stops_its_method_alone(pace: Pace) -> None:
    pace.learn("conversations_history", "C1", ScopeMissing("missing_scope"))
    assert isinstance(pace.take("conversations_history", "C2"), ScopeMissing)
    assert pace.take(POST, "C1") is None
