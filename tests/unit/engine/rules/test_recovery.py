"""How often a step whose worker died is tried again by itself, and when (SPEC 3.2)."""

from __future__ import annotations

import pytest

from engine.records import Step
from engine.rules.decide.claim import is_due
from engine.rules.recovery import recovery_delay
from engine.states import StepStatus


@pytest.mark.parametrize(("used", "delay"), [(0, 0.0), (1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, None), (6, None)])
def test_at_once_then_after_1_2_4_and_8_seconds_and_no_sixth_time(used: int, delay: float | None):
    assert recovery_delay(used, jitter=0.0) == delay


def test_jitter_stretches_a_delay_by_a_quarter_at_most():
    assert recovery_delay(0, jitter=0.999) == 0.0
    assert recovery_delay(4, jitter=0.5) == 9.0


@pytest.mark.parametrize(("recoveries", "beside"), [(0, True), (1, True), (2, False), (5, False)])
def test_from_its_second_recovery_on_a_step_runs_alone(recoveries: int, beside: bool):
    step = Step(1, "a", "action", StepStatus.READY, 1, recoveries=recoveries, due_at=0.0)
    assert is_due(step, 1.0) is beside
