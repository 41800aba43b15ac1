"""What a template may give: JSON values, bounded in size and depth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import islice
from types import GeneratorType
from typing import Any

from jinja2.runtime import Undefined

from engine.limits import MAX_JSON_DEPTH, MAX_RENDERED_CHARS
from engine.templates.errors import TemplateError
from engine.values import strict_json


class Budget:
    """How many characters one rendering may still produce. A number, a bracket and a comma are characters too."""

    __slots__ = ("left",)

    def __init__(self, chars: int = MAX_RENDERED_CHARS) -> None:
        self.left = chars

    def spend(self, chars: int) -> None:
        """Raise TemplateError when this is more than what is left."""
        self.left -= chars
        if self.left < 0:
            raise too_large()


def too_large() -> TemplateError:
    """The error for more than ``MAX_RENDERED_CHARS``."""
    return TemplateError(f"the template gives more than {MAX_RENDERED_CHARS:,} characters")


def text(value: Any) -> str:
    """A value as text: a text is itself, everything else is written as JSON (``true``, ``null``, ``{"a": 1}``)."""
    if isinstance(value, str):
        return value
    return strict_json.dumps(plain(value, Budget()))


def plain(value: Any, budget: Budget, depth: int = 0) -> Any:
    """A fresh copy of ``value`` as JSON knows it; lazy sequences become lists. Raises TemplateError for the rest."""
    if isinstance(value, str):
        budget.spend(len(value))
        return value
    budget.spend(1)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value, budget)
    if depth >= MAX_JSON_DEPTH:
        raise TemplateError(f"the template gives a value nested deeper than {MAX_JSON_DEPTH} levels")
    if isinstance(value, Mapping):
        return {_key(key, budget): plain(item, budget, depth + 1) for key, item in value.items()}
    return [plain(item, budget, depth + 1) for item in _items(value, budget)]


def kind(value: Any) -> str:
    """What a value is, in words that do not show it."""
    if value is None:
        return "null"
    names: dict[type, str] = {bool: "true or false", str: "a text", int: "a number", float: "a number"}
    return names.get(type(value), "an object" if isinstance(value, Mapping) else "a list")


def _number(value: int | float, budget: Budget) -> int | float:
    if isinstance(value, float) and not math.isfinite(value):
        raise TemplateError("the template gives a number that is not finite")
    if isinstance(value, int):
        budget.spend(value.bit_length() // 4)
    return value


def _key(key: object, budget: Budget) -> str:
    if not isinstance(key, str):
        raise TemplateError("the template gives an object with a key that is no text")
    budget.spend(len(key))
    return key


def _items(value: Any, budget: Budget) -> Iterable[Any]:
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, Undefined):
        str(value)  # raises, naming what is missing
    if isinstance(value, range | GeneratorType | map | filter | reversed) or type(value) is type({}.items()):
        return islice(value, budget.left + 1)
    raise TemplateError("the template gives something that is no value; call it, or choose a part of it")
