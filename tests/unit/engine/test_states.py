"""Which changes are legal: one table, and whatever is not in it is refused by name (SPEC 1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product

import pytest

from engine.errors import IllegalChange
from engine.states import FINAL, MOVING, RequestStatus, StepStatus, check_request_change, check_step_change


def is_legal(check: Callable[[], None]) -> bool:
    try:
        check()
    except IllegalChange:
        return False
    return True


def request_ways() -> set[tuple[str, str]]:
    """From where to where a request may go."""
    pairs = product(RequestStatus, RequestStatus)
    return {pair for pair in pairs if is_legal(partial(check_request_change, 42, *pair))}


def step_ways() -> set[tuple[str, str]]:
    pairs = product(StepStatus, StepStatus)
    return {pair for pair in pairs if is_legal(partial(check_step_change, "pay", *pair))}


def test_what_is_refused_is_told_with_the_state_that_was_found() -> None:
    with pytest.raises(IllegalChange, match="REQ-42 cannot go from completed to blocked"):
        check_request_change(42, RequestStatus.COMPLETED, RequestStatus.BLOCKED)
    with pytest.raises(IllegalChange, match="Step pay cannot go from skipped to running"):
        check_step_change("pay", StepStatus.SKIPPED, StepStatus.RUNNING)


def test_what_is_final_stays_so_and_failed_only_until_it_is_re_triggered() -> None:
    ways = request_ways()
    assert {after for before, after in ways if before in FINAL and before != after} == set()
    assert {after for before, after in ways if before == "failed"} == set(RequestStatus) - {RequestStatus.WITHDRAWN}
    assert {before for before, after in ways if after == "withdrawn"} == {"in_progress", "blocked", "withdrawn"}


def test_nothing_runs_that_was_not_ready_and_nothing_is_done_that_was_not_taken() -> None:
    ways = step_ways()
    assert {before for before, after in ways if after == "running"} == {"pending", "ready", "waiting", "running"}
    for gone in ("skipped", "cancelled"):
        assert {after for before, after in ways if before == gone} == {gone, "pending"}
    assert {before for before, after in ways if after == "blocked"} == {"running", "waiting", "blocked"}


@pytest.mark.parametrize("status", sorted(MOVING))
def test_what_moves_can_be_fenced_off(status: str) -> None:
    assert (status, "cancelled") in step_ways()
