"""Values from outside, as a sentence names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SHOWN = 100  # characters of a value in a sentence
_KINDS: Mapping[type, str] = {str: "a text", list: "a list", dict: "an object"}


def shown(value: Any) -> str:
    """Whole, or not at all: a sensitive value that was cut is not known any more by whoever masks the sentence."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{_KINDS.get(type(value), 'a value')} of {len(text):,} characters"
