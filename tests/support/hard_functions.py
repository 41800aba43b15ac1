"""Functions for tests of hard inputs."""

from __future__ import annotations

from typing import Any

from engine.functions import function


@function("hard.letters")
def letters(number: int) -> str:
    """So many letters."""
    return "x" * number


@function("hard.length")
def length(text: str) -> int:
    """Of a text."""
    return len(text)


@function("hard.nothing")
def nothing(**given: Any) -> None:
    """Do nothing."""
