"""When two records say the same: texts as the databases hold them, times to the millisecond, facts as JSON has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from engine.values.storable import storable

TEXTS = frozenset({"error", "reason", "trigger", "approval"})
_MOMENT = 0.001  # seconds; a recovery's jitter is rebuilt from its delay


def same(one: Any, other: Any) -> bool:
    """Whether two values of a row, or of an event's facts, say the same."""
    if one == other:
        return True
    if isinstance(one, str) and isinstance(other, str):
        return storable(one) == storable(other)
    if isinstance(one, float | int) and isinstance(other, float | int):
        return abs(one - other) < _MOMENT and not isinstance(one, bool) and not isinstance(other, bool)
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    return False


def unlike(one: tuple[Any, ...], other: tuple[Any, ...], without: frozenset[str]) -> Iterator[tuple[str, Any, Any]]:
    """The fields in which two records of a kind differ: (name, of one, of the other)."""
    names: tuple[str, ...] = one._fields  # type: ignore[attr-defined]  # every record is a NamedTuple
    for name, mine, its in zip(names, one, other, strict=True):
        if mine is not its and name not in without and not same(mine, its):
            yield name, mine, its


def clauses(name: str, stored: Any, made: Any) -> tuple[str, str]:
    """Two unlike values of a field in a sentence. Texts are not repeated: what they quote may be sensitive."""
    if name in TEXTS:
        article = "an" if name[0] in "aeiou" else "a"
        other = f"{article} {name}" if stored is None else f"another {name}"
        return (f"no {name}" if stored is None else f"{article} {name}"), (f"no {name}" if made is None else other)
    return _clause(name, stored), _clause(name, made)


def _clause(name: str, value: Any) -> str:
    label = name.replace("_", " ")
    if value is None:
        return f"no {label}"
    if isinstance(value, bool):
        return f"{label}: {'yes' if value else 'no'}"
    return f"{label} {value.value if isinstance(value, Enum) else value}"
