"""What there is instead of a name that there is not: the nearest first, and never thousands."""

from __future__ import annotations

from engine.errors import NoSuchStep
from engine.spelling import nearest_first

MANY = [f"step_{number}" for number in range(2000)]


def test_few_are_all_named_and_the_nearest_first():
    assert nearest_first("secnd", ["first", "second", "third"]) == "second, first, third"
    assert nearest_first("x", []) == ""


def test_of_many_the_nearest_are_among_those_that_are_named():
    told = str(NoSuchStep("step_1999x", 7, MANY))
    assert told.startswith("There is no step step_1999x. REQ-7 has: step_1999, ")
    assert told.endswith(" and 1,980 more.")
    assert len(told) < 400
