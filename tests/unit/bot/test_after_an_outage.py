"""Slack comes back after an hour: how the queue of many requests drains within Slack's limits."""

from __future__ import annotations

import itertools
import math

import pytest

from bot.errors import NotReached, RateLimited, SlackError
from bot.pace import Pace
from engine import events
from engine.states import RequestStatus
from tests.unit.bot import samples
from tests.unit.bot.fakes import Office

METHODS = {"post": "chat_postMessage", "update": "chat_update", "whisper": "chat_postEphemeral"}
BLOCKED = samples.event(events.BLOCKED, attempt=2, data={"error": "503", "first": True})
ACT = samples.event(events.RETRIGGERED_FLOW, by="Hanna Lead", reason="mended")
SHOWN = samples.shown_event(events.BLOCKED, attempt=2, data={"error": "503", "first": True})
SHOWN_ACT = samples.shown_event(events.RETRIGGERED_FLOW, by="Hanna Lead", reason="mended")
LONG = (pytest.mark.slow, pytest.mark.timeout(1200))
# A hundred drain in minutes of this clock, past every limit of Slack's; what a thousand show besides is how long it is.
MANY = [100, pytest.param(1000, marks=LONG)]


class Limited:
    """The poster's pace before a Slack that keeps to its limits: a post a second to a channel, 50 updates a minute."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.pace = Pace(clock=lambda: office.outbox.now)
        self.refused: list[str] = []
        self.asked: list[tuple[float, str]] = []
        self._room: dict[tuple[str, str], tuple[float, float]] = {}
        office.slack.trouble = self

    def __call__(self, method: str, channel: str) -> SlackError | None:
        if method not in METHODS:
            return None
        name = METHODS[method]
        if (paced := self.pace.take(name, channel, fresh=self.office.slack.fresh and method == "post")) is not None:
            return paced
        self.asked.append((self.office.outbox.now, method))
        wait = self._take(method, channel)
        if not wait:
            return None
        self.refused.append(method)
        error = RateLimited(math.ceil(wait))
        self.pace.learn(name, channel, error)
        return error

    def _take(self, method: str, channel: str) -> float:
        key, rate, burst = ((method, channel), 1.0, 5.0) if method == "post" else ((method, ""), 50 / 60, 50.0)
        now = self.office.outbox.now
        room, counted_at = self._room.get(key, (burst, now))
        room = min(burst, room + (now - counted_at) * rate)
        self._room[key] = (room - 1 if room >= 1 else room, now)
        return 0.0 if room >= 1 else (1 - room) / rate


@pytest.fixture
def office() -> Office:
    return Office()


def add_request(office: Office, number: int, app: str = "HR") -> None:
    office.documents[number] = samples.request(samples.step(), id=f"REQ-{number}", app=app, events=(SHOWN,))
    office.outbox.add(number, "card")
    office.outbox.add(number, "line", BLOCKED)


@pytest.mark.parametrize("many", MANY)
def test_alerts_come_in_the_order_of_age_within_the_limit_and_new_ones_are_not_starved(
    office: Office, many: int
) -> None:
    office.slack.trouble = lambda method, channel: NotReached("ConnectionRefusedError")
    for number in range(many):
        add_request(office, 1000 + number)
        office.run()
        office.outbox.now += 3600 / many
    slack, back_at = Limited(office), office.outbox.now
    asked_for: dict[int, float] = {}
    came: dict[int, float] = {}
    for second in range(4000):
        if second % 100 == 50 and second < 2000:  # while it drains, there are new alerts, elsewhere too
            for number, app in ((5000 + second, "HR"), (9000 + second, "IT")):
                add_request(office, number, app)
                asked_for[number] = office.outbox.now
        office.run()
        for number in office.outbox.cards.keys() - came.keys():
            came[number] = office.outbox.now
        office.outbox.now += 1
        if not office.outbox.rows:
            break
    took = office.outbox.now - back_at
    backlog = [came[1000 + number] for number in range(many)]
    overtaken = sum(b < a for a, b in itertools.pairwise(backlog))
    waited = {number: came[number] - at for number, at in asked_for.items()}
    posts = [at for at, method in slack.asked if method == "post"]
    busiest = max(sum(at <= other < at + 60 for other in posts) for at in posts[::50])
    refused = len(slack.refused)
    print(f"{took:.0f} s for {len(posts)} posts, {refused} refused, {overtaken} out of order, busiest {busiest}")  # noqa: T201  # a measurement
    print(f"a new alert waited at most {max(waited.values()):.0f} s")  # noqa: T201  # a measurement
    assert set(came) == set(office.documents)
    assert max(waited.values()) <= 5
    assert overtaken < many / 4  # whose turn a newer one took
    assert busiest <= 75
    assert refused < 10 + took / 60
    assert took < 1.5 * len(posts)


@pytest.mark.parametrize("many", [60, pytest.param(300, marks=LONG)])
def test_of_requests_that_went_on_meanwhile_each_card_is_updated_once(office: Office, many: int) -> None:
    for number in range(1000, 1000 + many):
        add_request(office, number)
    office.run()
    posted = len(office.slack.messages)
    for number in range(1000, 1000 + many):
        for _ in range(5):
            office.outbox.add(number, "card")
            office.outbox.add(number, "line", ACT)
        office.documents[number] = samples.request(
            id=f"REQ-{number}", status=RequestStatus.COMPLETED, events=(SHOWN, SHOWN_ACT)
        )
    office.outbox.now += 3600
    slack, back_at = Limited(office), office.outbox.now
    while office.outbox.rows:
        office.run()
        office.outbox.now += 1
        assert office.outbox.now < back_at + 4000
    assert len(office.slack.updates) == many
    assert len(office.slack.messages) - posted == many, "one message for the five lines of each thread"
    print(f"{office.outbox.now - back_at:.0f} s, {len(slack.asked)} calls, {len(slack.refused)} refused")  # noqa: T201  # a measurement
    assert len(slack.refused) < 10 + many / 20
    assert "update" not in slack.refused, "our own budget of updates keeps within Slack's"
