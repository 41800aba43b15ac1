"""What one rendering may take on its way to a value: turns of loops, and characters in hand.

A filter or a method of a text costs little by itself; with an input of a mebibyte, a loop, or another filter around it,
makes hours of it, or fills the memory. So each of them is counted by what it is given, and by what it makes of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.limits import MAX_TEMPLATE_CHARS, MAX_TEMPLATE_LOOPS
from engine.templates.errors import TemplateError

_EACH = 16  # characters that an operation counts as, whatever it is of; and an entry of a list that it goes through
_READ = 1 / 16  # that a character counts as which is only read


class Effort:
    """Of one rendering."""

    __slots__ = ("_chars", "_turns")

    def __init__(self) -> None:
        self._turns: int = MAX_TEMPLATE_LOOPS
        self._chars: float = MAX_TEMPLATE_CHARS

    def turn(self) -> None:
        """A loop begins its next turn. Raises TemplateError."""
        self._turns -= 1
        if self._turns < 0:
            raise TemplateError(f"the loops of the template take more than {MAX_TEMPLATE_LOOPS:,} turns")

    def made(self, value: Any, *given: Any, entry: float = _EACH) -> Any:
        """An operation has made this value, which is handed on, of what it was ``given``, of whose lists an entry
        counts as ``entry`` characters. Raises TemplateError."""
        taken = _weight(value, 1, _EACH) + sum(_weight(each, _READ, entry) for each in given)
        self._chars -= _EACH + taken
        if self._chars < 0:
            raise TemplateError(f"the template takes more than {MAX_TEMPLATE_CHARS:,} characters in hand on its way")
        return value


def _weight(value: Any, character: float, entry: float) -> float:
    if isinstance(value, str):
        return len(value) * character
    return size(value) * entry


def size(value: object) -> int:
    """How many characters, or entries, it has."""
    return len(value) if isinstance(value, str | list | tuple | Mapping) else 0
