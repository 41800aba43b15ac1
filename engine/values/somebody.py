"""How somebody is written: in a grant, and among an approval's approvers."""

from __future__ import annotations

import re

KEY = "key:"  # how a program begins
_GROUP = re.compile(r"@[^\s<>@]+|S[A-Z0-9]{7,}")
_ALONE = re.compile(r"[UW][A-Z0-9]{7,}|(?i:key):\S+|[^\s<>@]+@[^\s<>@]+")


def is_somebody(who: str) -> bool:
    """Whether it is a mail, a Slack user's or user group's id, "@group" by its handle, or "key:NAME". Anything else
    would seem to count, and match nobody: so does a mention as Slack writes it."""
    return is_group(who) or _ALONE.fullmatch(who) is not None


def is_group(who: str) -> bool:
    """Whether it is a user group's handle or id."""
    return _GROUP.fullmatch(who) is not None
