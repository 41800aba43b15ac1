"""The functions that are measured, in a module that processes of functions can import, too."""

from __future__ import annotations

from benchmarks.measures import ran
from engine.functions import function


@function("bench.no_op")
def no_op(place: int) -> int:
    """Do nothing."""
    return place


@function("bench.ran")
def note(file: str) -> None:
    """See ``ran``."""
    ran(file)
