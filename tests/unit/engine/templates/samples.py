"""What the templates of these tests see."""

from __future__ import annotations

from typing import Any

import pytest

from engine.templates import TemplateError, build_context, compile_value

INPUT: dict[str, Any] = {
    "name": "Ann",
    "age": 41,
    "remote": True,
    "nobody": None,
    "items": [1, 2, 3],
    "keys": {"values": "v", "update": "u", "v": "Vee"},
    "people": [{"name": "Ada", "age": 36}, {"name": "Bo", "age": 17}],
    "long": "x" * 200_000,
}


CONTEXT = build_context(
    42,
    INPUT,
    "hanna@example.com",
    results={"account": {"id": 7, "tags": ["a", "b"]}},
    errors={"badge": "HTTP 503"},
    constants={"limit": 100, "key": "name"},
)


def render(value: Any) -> Any:
    """What a value with templates in it gives."""
    return compile_value(value, "body").render(CONTEXT)


def refusal(value: Any) -> str:
    """Why it gives nothing."""
    with pytest.raises(TemplateError) as caught:
        render(value)
    return str(caught.value)
