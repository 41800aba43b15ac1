"""Patterns of JSON Schemas, matched by RE2: in a time that grows with the text, whatever the pattern.

Python's own engine takes longer than anybody lives for patterns such as ``(a+)+$``, and nothing else in the process
runs meanwhile. RE2 has neither look-around nor back references; what has them is refused when it is published.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


def problem(pattern: str) -> str | None:
    """Why a pattern cannot be used; None when it can."""
    try:
        _compiled(pattern)
    except (re2.error, UnicodeError) as error:
        said = error.args[0] if error.args else error
        return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return None


def found(pattern: str, text: str) -> bool:
    """Whether the pattern matches anywhere in ``text``. Half a surrogate pair counts as some other character."""
    return _compiled(pattern).search(text.encode("utf-8", "replace").decode()) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    return re2.compile(pattern, _OPTIONS)
