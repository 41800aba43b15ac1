"""A version that this Retrigger cannot read keeps its requests where they are: their channel is told, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from storage.tables import workflows
from tests.integration.bot.office import CHANNEL, WORKSPACE, Office
from tests.support.engine import Room
from tests.support.poll import wait_until
from tests.support.slack_server import SlackServer

RESTING = """
workflow: resting
app: HR
nodes:
  rest: {delay: {for: 1h}}
"""
TOLD = "Version 1 of resting cannot be read: a newer Retrigger published it, or its row is damaged."


@pytest.fixture
def numbers(tmp_path: Path) -> list[int]:
    """Requests that wait, of a version that could be read when they began."""
    room = Room(f"sqlite:///{tmp_path / 'retrigger.db'}")
    try:
        room.publish(RESTING)
        room.start()
        made = [room.submit("resting"), room.submit("resting")]
        for number in made:
            room.wait(number, lambda document: document.steps[0].status.value == "waiting")
    finally:
        room.close()
    return made


@pytest.fixture
def left_alone() -> float:
    """Seconds."""
    return 0.0


@pytest.fixture
def office(tmp_path: Path, numbers: list[int], left_alone: float, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """Of a Retrigger that came later."""
    monkeypatch.setattr("engine.worker.worker._LEFT_ALONE", left_alone)
    with SlackServer(WORKSPACE) as slack:
        office = Office(tmp_path, slack)
        try:
            yield office
        finally:
            office.close()
        assert slack.refused == []


def test_the_channel_is_told_once_and_they_go_on_when_it_is_mended(office: Office, numbers: list[int]) -> None:
    office.room.meddled.update(numbers)
    whole = exchange(office, '{"of": "tomorrow"}')
    office.open()
    office.room.end_waits(*numbers)
    told = office.message(TOLD)
    assert told["text"].startswith(f"🔴 REQ-{numbers[0]} stands still, ")
    tried = office.room.submit("onboarding", {"name": "Ada"})
    office.room.wait(tried, "blocked")
    wait_until(lambda: len(office.posts()) > 1, "another request's card")
    office.hanna.command(CHANNEL, f"REQ-{numbers[1]}")
    wait_until(lambda: any(TOLD in text for text in office.told("U1")), "the answer to the command")
    assert [TOLD in post["text"] for post in office.posts()].count(True) == 1

    exchange(office, whole)
    for number in numbers:
        office.room.wait(number, "completed")


@pytest.mark.parametrize("left_alone", [3600.0])
def test_nobody_is_told_before_a_newer_engine_has_had_time(
    office: Office, numbers: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    office.room.meddled.update(numbers)
    exchange(office, '{"of": "tomorrow"}')
    office.open()
    office.room.end_waits(*numbers)
    wait_until(lambda: caplog.text.count("could not be recovered now") >= len(numbers), "both to be tried")
    office.blocked()
    assert [TOLD in post["text"] for post in office.posts()].count(True) == 0


def exchange(office: Office, document: str) -> str:
    """What is stored of the version; what was there before."""
    mine = workflows.c.name == "resting"
    with office.room.database.writing() as connection:
        before = str(connection.scalar(select(workflows.c.document).where(mine)))
        connection.execute(update(workflows).where(mine).values(document=document))
    return before
