"""When an action is tried again (SPEC 3.1). Pure: the outcome is passed in, the delay comes out."""

from __future__ import annotations

from typing import Protocol

from engine.rules.outcomes import Failure

MAX_DELAY = 3600.0  # seconds: longer waits are for a person to decide, so Retry-After is not honoured beyond it
_MAX_EXPONENT = 64  # beyond it every backoff above 1 has long reached MAX_DELAY; keeps the power from overflowing


class RetryPolicy(Protocol):
    """``times`` after the first try, the first of them ``interval`` seconds later, each next ``backoff`` times that."""

    @property
    def times(self) -> int: ...

    @property
    def interval(self) -> float: ...

    @property
    def backoff(self) -> float: ...


def next_try(policy: RetryPolicy | None, failure: Failure, used: int) -> float | None:
    """Seconds until the next try, or None: retrying is not allowed, of no use, or used up.

    ``used``: retries of the present budget so far. The other side's Retry-After wins over a shorter interval, never
    over a longer one; both end at MAX_DELAY.
    """
    if policy is None or not failure.retryable or used >= policy.times:
        return None
    delay = policy.interval * policy.backoff ** min(used, _MAX_EXPONENT)
    return min(max(delay, failure.retry_after or 0.0), MAX_DELAY)
