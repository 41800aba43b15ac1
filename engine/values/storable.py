"""Texts as the databases hold them."""

from __future__ import annotations


def storable(text: str) -> str:
    """``text`` as both databases can hold it: PostgreSQL knows no NUL, and neither knows half a surrogate pair."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
