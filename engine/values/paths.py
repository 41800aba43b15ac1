"""Where something stands in a value: keys and numbers, from the outside in."""

from __future__ import annotations

Path = tuple[str | int, ...]


def dotted(path: Path) -> str:
    """``("expect", "status", 0)`` as ``expect.status[0]``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
