from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.outcomes import Failure
from engine.rules.retry import MAX_DELAY, next_try


class Policy(NamedTuple):
    times: int = 3
    interval: float = 2.0
    backoff: float = 2.0


BUSY = Failure("busy", retryable=True)


@pytest.mark.parametrize(
    ("policy", "failure", "used", "delay"),
    [
        (Policy(), BUSY, 0, 2.0),
        (Policy(), BUSY, 1, 4.0),
        (Policy(), BUSY, 2, 8.0),
        (Policy(), BUSY, 3, None),
        (Policy(), BUSY, 4, None),
        (None, BUSY, 0, None),
        (Policy(times=0), BUSY, 0, None),
        (Policy(), Failure("bad request", retryable=False), 0, None),
        (Policy(backoff=1), BUSY, 2, 2.0),
        (Policy(interval=0), BUSY, 2, 0.0),
        (Policy(), BUSY._replace(retry_after=30.0), 0, 30.0),
        (Policy(), BUSY._replace(retry_after=1.0), 0, 2.0),
        (Policy(), BUSY._replace(retry_after=0.0), 1, 4.0),
        (Policy(), BUSY._replace(retry_after=86400.0), 0, MAX_DELAY),
        (Policy(times=100), BUSY, 50, MAX_DELAY),
        (Policy(), Failure("forbidden", retryable=False, retry_after=5.0), 0, None),
    ],
)
def test_the_next_try(policy: Policy | None, failure: Failure, used: int, delay: float | None):
    assert next_try(policy, failure, used) == delay


@given(
    st.builds(Policy, st.integers(0, 10**6), st.floats(0, 1e5), st.floats(1, 1000)),
    st.integers(0, 10**6),
    st.none() | st.floats(0, 1e12),
)
def test_a_delay_is_never_negative_nor_above_the_cap_and_never_overflows(policy, used, retry_after):
    delay = next_try(policy, BUSY._replace(retry_after=retry_after), used)

    assert (delay is None) == (used >= policy.times)
    if delay is not None:
        assert 0 <= delay <= MAX_DELAY
        assert delay >= min(retry_after or 0, MAX_DELAY)
