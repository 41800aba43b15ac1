"""The bot is killed at every point between two of its writes, over and over: nothing is lost, nothing stands twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from engine.functions import function
from engine.ports.outbox import CARD
from storage.tables import TO_TELL, outbox, posted
from tests.integration.bot.office import CHANNEL, WORKSPACE
from tests.support.engine import HANNA, Room
from tests.support.poll import PATIENCE, wait_until
from tests.support.slack_server import LOST_ANSWER, Hold, SlackServer

WORKFLOW = """
workflow: onboarding
app: HR
title: Onboard
nodes:
  create_account: {function: {name: killed.account, args: {}, isolation: thread}}
  badge: {function: {name: killed.badge, args: {}, isolation: thread}}
"""
ASKING = """
workflow: laptop
app: HR
nodes:
  allow: {approval: {approvers: [hanna@example.com, omar@example.com, "@hr-admins"]}, approved: end, rejected: end}
"""
_broken = [True]


@function("killed.account")
def account() -> str:
    if _broken[0]:
        raise RuntimeError("identity answered 503")
    return "acc-1"


@function("killed.badge")
def badge() -> str:
    return "badge-1"


class Story:
    """Requests that are blocked and mended, and a bot that tells of it and is killed."""

    def __init__(self, url: str, slack: SlackServer) -> None:
        self.room = Room(url, told={"HR"})
        self.room.publish(WORKFLOW)
        self.room.publish(ASKING)
        self.room.start()
        self.slack, self._url = slack, url
        self.kills = 0

    def blocked(self) -> int:
        _broken[0] = True
        number = self.room.submit("onboarding")
        self.room.wait(number, "blocked")
        return number

    def mended(self, number: int) -> None:
        _broken[0] = False
        self.room.engine.retrigger(HANNA, number, "create_account", flow=True)
        self.room.wait(number, "completed")

    def asked(self) -> int:
        number = self.room.submit("laptop")
        self.room.wait(number, lambda d: d.steps[0].status.value == "waiting")
        return number

    def check_asked(self, number: int) -> None:
        """Two directly and the group in the channel, each once."""
        messages = [m for m in self.slack.workspace.messages.values() if f"REQ-{number} " in str(m["blocks"])]
        assert sorted(m["channel"] for m in messages) == ["C0HR", "DU1", "DU2"]

    def bot(self, kill_at: int = 0) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.support.bot_process", self._url, self.slack.api_url]
        return subprocess.Popen([*command, f"--kill-at={kill_at}"], cwd=Path(__file__).parents[2])

    def tell(self, kill_at: int = 0) -> bool:
        """Run a bot until everything is told; returns whether it was killed before."""
        code = self.bot(kill_at).wait(PATIENCE)
        assert code in (0, -signal.SIGKILL)
        killed = code != 0
        self.kills += killed
        self.pass_time(taken_until=None)  # what the dead one had taken is free again
        return killed

    def pass_time(self, **values: Any) -> None:
        """The clock moves on for what waits."""
        with self.room.database.engine.begin() as connection:
            connection.execute(update(outbox).where(TO_TELL).values(**values))

    def check(self, number: int) -> None:
        """One card that shows the end, each line once and in order, and the outcome, never twice in one place."""
        with self.room.database.reading() as connection:
            query = select(posted.c.ts).where(posted.c.request_id == number, posted.c.subject == CARD)
            (ts,) = connection.execute(query).scalars()
            rows = connection.execute(select(outbox).where(outbox.c.request_id == number).order_by(outbox.c.id)).all()
        assert all(row.done_at is not None and row.error is None for row in rows)
        messages = [m for m in self.slack.workspace.messages.values() if f"REQ-{number} " in m["text"] + " "]
        cards = [m for m in messages if m["channel"] == CHANNEL and "thread_ts" not in m and "ephemeral_to" not in m]
        assert [m["ts"] for m in cards] == [ts]
        assert "Completed" in cards[0]["text"]
        thread = [m for m in self.slack.workspace.messages.values() if m.get("thread_ts") == ts]
        marks = [block["block_id"] for m in thread if "ephemeral_to" not in m for block in m["blocks"]]
        assert marks == [f"rt-{row.id}" for row in rows if row.kind == "line"]
        for row in rows:
            if row.kind == "tell":
                self._check_told(f"rt-{row.id}")

    def _check_told(self, mark: str) -> None:
        told = [m for m in self.slack.workspace.messages.values() if m["blocks"][:1] and self._has(m, mark)]
        places = Counter((m["channel"], m.get("thread_ts")) for m in told)
        assert set(places.values()) == {1}, places

    def _has(self, message: dict[str, Any], mark: str) -> bool:
        return any(block.get("block_id") == mark for block in message["blocks"])

    def close(self) -> None:
        self.room.close()


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer(WORKSPACE) as server:
        yield server
        assert server.refused == []


@pytest.fixture
def story(sqlite_url: str, slack: SlackServer) -> Iterator[Story]:
    story = Story(sqlite_url, slack)
    yield story
    story.close()


def prepare(story: Story, phase: str) -> int:
    """``alert``: nothing was told yet. ``outcome``: the card stands, and there is news. ``piled up``: and it is old."""
    number = story.blocked()
    if phase != "alert":
        story.tell()
    story.mended(number)
    if phase == "piled up":
        story.pass_time(created_at=outbox.c.created_at - 60)
    return number


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("phase", ["alert", "outcome", "piled up"])
def test_killed_at_every_point(story: Story, phase: str) -> None:
    point = 1
    while True:
        number = prepare(story, phase)
        if not story.tell(kill_at=point):
            break
        story.tell()
        story.check(number)
        point += 1
    story.check(number)
    assert story.kills == point - 1 > 10


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_at_every_point_while_it_asks_for_approval(story: Story) -> None:
    point, killed = 0, True
    while killed:
        point += 1
        number = story.asked()
        killed = story.tell(kill_at=point)
        story.tell()
        story.check_asked(number)
    assert story.kills == point - 1 > 10


@pytest.mark.parametrize("phase", [pytest.param("alert", marks=pytest.mark.slow), "piled up"])
def test_killed_again_and_again(story: Story, phase: str) -> None:
    chance = random.Random(phase)
    number = prepare(story, phase)
    for _ in range(3):
        story.tell(kill_at=chance.randint(3, 8))
    story.tell()
    story.check(number)
    assert story.kills >= 2


@pytest.mark.parametrize("after", [pytest.param(False, marks=pytest.mark.slow), True])
def test_killed_while_slack_is_at_it(story: Story, after: bool) -> None:
    """The call is on its way, or carried out and not answered."""
    number = prepare(story, "alert")
    hold = Hold(after=after)
    story.slack.faults.add("chat.postMessage", hold)
    bot = story.bot()
    hold.wait()
    bot.kill()
    bot.wait(PATIENCE)
    story.pass_time(taken_until=None)
    hold.release()
    wait_until(lambda: len(story.slack.workspace.messages) == 1, "the held call's end")
    story.tell()
    story.check(number)


@pytest.mark.postgres
def test_two_bots_and_answers_that_are_lost(postgres_url: str, slack: SlackServer) -> None:
    story = Story(postgres_url, slack)
    try:
        numbers = [story.blocked() for _ in range(10)]
        for number in numbers:
            story.mended(number)
        for _ in range(3):
            slack.faults.add("chat.postMessage", LOST_ANSWER)
            slack.faults.add("chat.postEphemeral", LOST_ANSWER)
        bots = [story.bot(), story.bot(), story.bot(kill_at=30)]
        assert [bot.wait(PATIENCE) for bot in bots[:2]] == [0, 0]
        bots[2].wait(PATIENCE)
        for number in numbers:
            story.check(number)
    finally:
        story.close()
