"""Automatic recovery of a step whose worker died (SPEC 3.2). Pure: the jitter is passed in."""

from __future__ import annotations

from engine.limits import MAX_RECOVERIES, RECOVERY_DELAYS


def recovery_delay(used: int, jitter: float) -> float | None:
    """Seconds until the next automatic re-attempt, or None when the budget is used up.

    ``used``: recoveries of this execution so far. ``jitter`` in [0, 1) stretches a delay by up to a quarter, so that
    many steps of one dead worker do not come back at the same moment.
    """
    if used >= MAX_RECOVERIES:
        return None
    return RECOVERY_DELAYS[used] * (1 + jitter / 4)
