"""The list of requests in windows of every width."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from engine.commands.documents import RequestSummary
from engine.states import RequestStatus
from retrigger.cli.reading import requests_table

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def summary(status: RequestStatus, title: str, *blocked: str) -> RequestSummary:
    return RequestSummary(
        id="REQ-1234567", workflow="onboarding", version=1, app="HR", title=title, status=status, reason=None,
        requester="ada@example.com", revision=3, created_at=NOW - timedelta(minutes=14), updated_at=NOW,
        blocked_at=None, blocked=blocked,
    )  # fmt: skip


def listed(width: int, *requests: RequestSummary) -> list[str]:
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    console.print(requests_table(requests, NOW))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 72, 80, 100, 132])
def test_a_long_title_takes_no_other_columns_room(width: int):
    title = "Onboard somebody whose name goes on and on and on, and then on some more, to the end of the line"
    requests = summary(RequestStatus.IN_PROGRESS, title), summary(RequestStatus.BLOCKED, title, "create_account")

    lines = listed(width, *requests)

    assert len(lines) == 1 + len(requests)
    assert all(len(line.rstrip()) <= width for line in lines)
    for line, status in zip(lines[1:], ("In progress", "Blocked"), strict=True):
        assert line.startswith(f"REQ-1234567  {status}")
        assert "HR" in line and "Onboard" in line and "14 min ago" in line
    assert ("create_account" in lines[2]) == (width >= 80)


def test_a_title_that_has_room_is_whole():
    (_, line) = listed(80, summary(RequestStatus.BLOCKED, "Onboard Ada", "create_account"))
    assert "Onboard Ada  create_account" in line
