"""JSON that Retrigger has stored, read back. What a hand has made of one value meanwhile must stop nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from engine.errors import DamagedValue

T = TypeVar("T")


def stored_json(text: str, what: str) -> Any:
    """The value; ``what`` names it for people. Raises DamagedValue."""
    return made_of(text, what, _itself)


def made_of(text: str, what: str, make: Callable[[Any], T]) -> T:
    """What ``make`` makes of the value. Raises DamagedValue, also where it can make nothing of it."""
    try:
        return make(json.loads(text))
    except (ValueError, TypeError, LookupError, RecursionError):
        raise DamagedValue(what) from None


def _itself(value: Any) -> Any:
    return value
