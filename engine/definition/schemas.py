"""JSON Schemas in a definition (Draft 2020-12): checked when published, and never looking anywhere outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from engine.definition.problems import Path

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema_problems(schema: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """What is wrong with a schema, with the place in it. Validating against one without problems does not raise."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = tuple(part for part in error.absolute_path)
        yield place, f"is not a JSON Schema of Draft 2020-12: {error.message}; correct it"
        return
    for place, keyword, value in _keywords(schema):
        if keyword in ("$ref", "$dynamicRef"):
            yield from _reference_problems(schema, place, str(value))
        elif keyword == "$schema" and str(value).rstrip("#") != _DRAFT:
            yield place, f"is `{value}`; leave it out, or write {_DRAFT}"
        elif keyword in ("$id", "$anchor", "$dynamicAnchor"):
            yield place, "cannot be used; leave it out, and refer to parts as #/$defs/name"


def _reference_problems(schema: dict[str, Any], place: Path, reference: str) -> Iterator[tuple[Path, str]]:
    if not reference.startswith("#/"):
        yield place, f"is `{reference}`; write a reference inside this schema, such as #/$defs/name"
    elif not _leads_somewhere(schema, reference):
        yield place, f"is `{reference}`, which is not in this schema; add it there, or correct the reference"


def _leads_somewhere(schema: Any, reference: str) -> bool:
    for part in reference[2:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(schema, dict) or key not in schema:
            return False
        schema = schema[key]
    return isinstance(schema, dict | bool)


def _keywords(schema: Any) -> Iterator[tuple[Path, str, Any]]:
    """Every keyword that begins with $, wherever it stands; without recursion."""
    stack: list[tuple[Path, Any]] = [((), schema)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            for key, item in value.items():
                if key.startswith("$") and isinstance(item, str):
                    yield (*path, key), key, item
                elif key not in ("const", "enum", "default", "examples"):
                    stack.append(((*path, key), item))
        elif isinstance(value, list):
            stack.extend(((*path, place), item) for place, item in enumerate(value))
