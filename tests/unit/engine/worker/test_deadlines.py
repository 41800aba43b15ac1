"""Time limits are looked for from outside, and each is told once."""

from __future__ import annotations

from engine.records import Attempt, Claim, Step
from engine.states import AttemptKind, StepStatus
from engine.worker.deadlines import Deadlines


def claim(node: str) -> Claim:
    step = Step(1, node, "function", StepStatus.RUNNING, 2, attempt=1)
    return Claim(step, Attempt(1, node, 1, AttemptKind.INITIAL, 1, 1, "w", 0.0), "w", 0.0)


def test_only_what_is_over_its_limit_is_told_and_once() -> None:
    now = [100.0]
    deadlines = Deadlines(lambda: now[0])
    quick, slow = claim("quick"), claim("slow")
    with deadlines.within(slow, 5.0, "too slow"), deadlines.within(quick, 60.0, "not so quick"):
        assert deadlines.overdue() == []
        now[0] += 5.1
        assert deadlines.overdue() == [(slow, "too slow")]
        assert deadlines.overdue() == []


def test_what_is_done_is_never_overdue() -> None:
    now = [0.0]
    deadlines = Deadlines(lambda: now[0])
    with deadlines.within(claim("a"), 1.0, "too slow"):
        pass
    now[0] = 10.0
    assert deadlines.overdue() == []
