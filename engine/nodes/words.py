"""How the nodes' outcomes are put into words."""

from __future__ import annotations

from engine.limits import MAX_ERROR_CHARS
from engine.texts import CUT_MARK


def seconds(value: float) -> str:
    """A duration for people: "10 s", "0.5 s"."""
    return f"{value:g} s"


def cut(text: str, limit: int = MAX_ERROR_CHARS) -> str:
    """At most ``limit`` characters, with a visible mark where more was. Mask first: half a secret is not found."""
    return text if len(text) <= limit else text[: limit - len(CUT_MARK)] + CUT_MARK
