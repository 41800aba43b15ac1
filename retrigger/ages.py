"""How old something must be, as people write it."""

from __future__ import annotations

import re

_DAYS = re.compile(r"([1-9][0-9]{0,4})d")


class Days(int):
    """A number of days that was written as one: a bare number would be seconds in other settings."""


def days_of(text: str) -> Days | None:
    """90 for "90d". None for anything else."""
    found = _DAYS.fullmatch(text.strip().lower())
    return None if found is None else Days(found[1])
