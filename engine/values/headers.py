"""Which headers a call may carry."""

from __future__ import annotations

import re

HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
# Those that decide where a request goes and where it ends: never a definition's or a settings file's to set.
OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "expect", "te"})
CONTROL = r"[\x00-\x08\x0a-\x1f\x7f]"  # all but the tab
_BAD = re.compile(rf"{CONTROL}|[^\x00-\xff]")


def can_be_sent(value: str) -> bool:
    """Whether a header can carry it: no line break, no other control character, and no character beyond Latin-1."""
    return _BAD.search(value) is None


def header_problem(name: str, value: str) -> str | None:
    """Why this header cannot be sent, or None. Never shows the value."""
    if not re.fullmatch(HEADER_NAME, name):
        return f"header {name!r} is no header name"
    if name.lower() in OWN_HEADERS:
        return f"header {name} is set by the engine; leave it out"
    if not can_be_sent(value):
        return f"header {name} has a line break or a character that a header cannot carry"
    return None
