"""What was meant by a name that there is not, and how the names that there are are told."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_TOLD = 20  # names in one sentence
_NEAR = 3


def some(names: Iterable[str]) -> str:
    """As many of them as a sentence holds, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - _TOLD:,} more" if len(known) > _TOLD else ""
    return f"{', '.join(known[:_TOLD])}{more}"


def nearest_first(typed: str, names: Iterable[str]) -> str:
    """The same, those first that are spelt like what was typed."""
    known = list(names)
    near = get_close_matches(typed, known, _NEAR)
    return some([*near, *(name for name in known if name not in near)])
