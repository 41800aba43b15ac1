"""The lines of the thread."""

from __future__ import annotations

from typing import Any

import pytest

from bot.blocks import thread
from engine import events
from tests.unit.bot import samples
from tests.unit.bot.samples import DATES

FIRST = {"error": "503", "first": True, "before": None}


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            samples.event(events.RETRIGGERED_FLOW, by="Hanna Lead", reason="mended"),
            "*Hanna Lead* re-triggered step and flow at `create_account` · 10:42 UTC · reason: mended",
        ),
        (
            samples.event(events.RETRIGGERED, by="ci", door="api", data={"update_status": True, "new_key": True}),
            (
                "*ci* re-triggered `create_account` (this step only) through the API, allowing the workflow status to "
                "be updated, with a new idempotency key · 10:42 UTC"
            ),
        ),
        (
            samples.event(events.RETRIGGERED_FLOW, by="Hanna Lead", data={"version": 4}),
            "*Hanna Lead* re-triggered step and flow at `create_account`, with version 4 · 10:42 UTC",
        ),
        (
            samples.event(events.INPUT_PROVIDED, by="Hanna Lead", data={"confirmed": True}),
            (
                "*Hanna Lead* provided input for `create_account`, confirming that the earlier call may have taken "
                "effect · 10:42 UTC"
            ),
        ),
        (samples.event(events.CONTINUED, None, by="Omar"), "*Omar* continued the flow · 10:42 UTC"),
        (
            samples.event(events.WITHDRAWN, None, by="Omar", door="cli", reason="left"),
            "*Omar* withdrew REQ-42 on the command line · 10:42 UTC · reason: left",
        ),
        (
            samples.event(events.COMPLETED, attempt=4, data={"call": "accepted"}),
            "✅ `create_account` completed (attempt 4, accepted) · 10:42 UTC",
        ),
        (
            samples.event(events.BLOCKED, attempt=2, data=FIRST),
            "🔴 `create_account` is blocked (attempt 2): 503 · 10:42 UTC",
        ),
        (
            samples.event(events.BLOCKED, attempt=3, data={**FIRST, "before": "503"}),
            "🔴 `create_account` is blocked again (attempt 3): same error · 10:42 UTC",
        ),
        (
            samples.event(events.BLOCKED, attempt=3, data={**FIRST, "before": "404"}),
            "🔴 `create_account` is blocked again (attempt 3), with another error: 503 · 10:42 UTC",
        ),
        (
            samples.event(events.BLOCKED, attempt=1, data=FIRST | {"stale": True}),
            "`create_account` failed (attempt 1), and blocks nothing, as it is stale: 503 · 10:42 UTC",
        ),
        (
            samples.event(events.LOST, attempt=1, data={"recovery": 2, "worker": "w"}),
            "The worker of `create_account` was lost (attempt 1); automatic recovery 2 of 5 · 10:42 UTC",
        ),
        (
            samples.event(events.LATE, attempt=1, data={"outcome": "succeeded", "call": "accepted"}),
            (
                "Late result of `create_account` (attempt 1, accepted): it succeeded after its worker had lost it. "
                "Kept as evidence; it changed nothing · 10:42 UTC"
            ),
        ),
        (
            samples.event(
                events.STATUS, None, reason="remaining steps not started", data={"to": "blocked", "stuck": True}
            ),
            "🔴 REQ-42 is *Blocked*: remaining steps not started · 10:42 UTC",
        ),
        (samples.event(events.STATUS, None, data={"to": "completed"}), "REQ-42 is *Completed* · 10:42 UTC"),
    ],
)
def test_lines(event: Any, line: str) -> None:
    assert thread.line(event, 42, DATES) == line


def test_a_new_block_is_shown_in_the_channel_and_one_that_blocks_nothing_is_not() -> None:
    block = {"error": "503", "first": False, "before": None}
    shown = [
        thread.shown_in_channel(samples.event(events.BLOCKED, data=block | more)) for more in ({}, {"stale": True})
    ]
    assert shown == [True, False]
