"""How often a step whose worker died is tried again by itself, and when (SPEC 3.2)."""

from __future__ import annotations

import pytest

from engine.recovery import recovery_delay


@pytest.mark.parametrize(("used", "delay"), [(0, 0.0), (1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, None), (6, None)])
def test_at_once_then_after_1_2_4_and_8_seconds_and_no_sixth_time(used: int, delay: float | None):
    assert recovery_delay(used, jitter=0.0) == delay


def test_jitter_stretches_a_delay_by_a_quarter_at_most():
    assert recovery_delay(0, jitter=0.999) == 0.0
    assert recovery_delay(4, jitter=0.5) == 9.0
