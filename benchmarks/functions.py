"""The function that is measured, in a module that processes of functions can import, too."""

from __future__ import annotations

from engine.functions import function


@function("bench.no_op")
def no_op(place: int) -> int:
    """Do nothing."""
    return place
