"""The Progress Path, as a window and as a message."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.blocks import path
from bot.targets import (
    PathWindow,
    Place,
)
from engine import events, texts
from engine.states import AttemptKind, AttemptOutcome, CallEffect, StepStatus
from tests.unit.bot.samples import AT, DATES, attempt, buttons, request, said, shown_event, step


def test_the_progress_path_has_every_step_its_attempts_and_tags() -> None:
    acted = attempt(
        3,
        kind=AttemptKind.RETRIGGER,
        outcome=AttemptOutcome.SUCCEEDED,
        error=None,
        call=CallEffect.ACCEPTED,
        by="Hanna Lead",
        acted_at=AT - timedelta(minutes=2),
        reason="mended",
    )
    quiet = attempt(outcome=AttemptOutcome.SUCCEEDED, error=None)
    document = request(
        step("first", status=StepStatus.COMPLETED, actions=(), attempts=(quiet,)),
        step("second", status=StepStatus.COMPLETED, actions=(), attempts=(attempt(1), attempt(2), acted), held=True),
        step("third", status=StepStatus.PENDING, actions=(), attempts=()),
    )
    lines = said(path.path_view(document, DATES, PathWindow(42, Place()))["blocks"]).splitlines()
    assert "✅ `first` · Completed" in lines
    assert "✅ `second` · Completed · 3 attempts · held" in lines
    assert "⬜ `third` · Pending" in lines
    assert (
        "   ↳ 3. retrigger: succeeded · call accepted · 10:42 UTC · version 1 · "
        "_Re-triggered by @Hanna Lead, 10:40 UTC_ (mended)" in lines
    )


@pytest.mark.parametrize("status", [StepStatus.READY, StepStatus.CANCELLED])
def test_a_re_trigger_that_no_worker_has_begun_has_its_tag(status: StepStatus) -> None:
    begun = shown_event(events.RETRIGGERED, attempt=2, by="Omar Ops")
    waits = shown_event(events.RETRIGGERED_FLOW, attempt=3, by="Hanna Lead", reason="<mended>")
    document = request(step(status=status, actions=()), events=(begun, waits))
    lines = said(path.path_view(document, DATES, PathWindow(42, Place()))["blocks"]).splitlines()
    tags = [line for line in lines if "Re-triggered by" in line]
    assert tags == ["   ↳ _Re-triggered by @Hanna Lead, 10:42 UTC_ (&lt;mended&gt;) · no attempt yet"]


def test_the_private_path_has_the_buttons_of_what_may_be_done() -> None:
    document = request(step(), step("next", status=StepStatus.PENDING, actions=(), attempts=()))
    assert [label for label, _ in buttons(path.path_message(document, DATES).blocks)] == [
        texts.RETRIGGER,
        texts.RETRIGGER_FLOW,
        texts.PROVIDE_INPUT,
        texts.WITHDRAW,
        "Picture",
    ]


@pytest.mark.parametrize(
    ("late", "shown"),
    [
        ('{"outcome": "succeeded", "call": "accepted"}', "late result (succeeded, call accepted), kept as evidence"),
        ('{"outcome": "failed", "error": "<503>"}', "late result (failed: &lt;503&gt;), kept as evidence"),
        ("a mask", "late result, kept as evidence; it changed nothing"),
    ],
)
def test_a_late_result_is_shown_with_its_attempt(late: str, shown: str) -> None:
    lost = attempt(1, outcome=AttemptOutcome.LOST, late=late)
    document = request(step(attempts=(lost,)))
    assert shown in said(path.path_view(document, DATES, PathWindow(42, Place()))["blocks"])
