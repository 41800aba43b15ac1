"""JSON Schemas in a definition (Draft 2020-12): checked when published, and never looking anywhere outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError

from engine.values import regex
from engine.values.json_schema import TOO_DEEP, TOO_LONG, misfits
from engine.values.paths import Path

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
# Patterns are for RE2 to judge, which knows what Python does not, such as \\p{L}.
_FORMATS = FormatChecker(set(Draft202012Validator.FORMAT_CHECKER.checkers) - {"regex"})
_DATA = frozenset({"const", "enum", "default", "examples"})  # keywords that hold values, not schemas
_NAMED = (("properties",), ("patternProperties",), ("$defs",), ("dependentSchemas",))  # here keys are anyone's names


def schema_problems(schema: dict[str, Any]) -> list[tuple[Path, str]]:
    """What is wrong with a schema, with the place in it."""
    try:
        Draft202012Validator.check_schema(schema, format_checker=_FORMATS)
    except SchemaError as error:
        return [(tuple(error.absolute_path), f"is not a JSON Schema of Draft 2020-12: {error.message}; correct it")]
    found = [problem for place, value in _references(schema) for problem in _judge(schema, place, value)]
    found += [*_pattern_problems(schema), *_unbounded(schema)]
    if not found and (why := _endless(schema)):
        found.append(((), why))
    return found


def _pattern_problems(schema: dict[str, Any]) -> list[tuple[Path, str]]:
    """Patterns that could not be matched in bounded time. Without recursion."""
    found: list[tuple[Path, str]] = []
    stack: list[tuple[Path, Any]] = [((), schema)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, list):
            stack.extend(((*path, place), item) for place, item in enumerate(value))
        if not isinstance(value, dict):
            continue
        named = path[-1:] in _NAMED
        stack.extend(((*path, key), item) for key, item in value.items() if named or key not in _DATA)
        if path[-1:] == ("patternProperties",):
            found += [((*path, key), _unusable(why)) for key in value if (why := regex.problem(key))]
        elif not named and isinstance(value.get("pattern"), str) and (why := regex.problem(value["pattern"])):
            found.append(((*path, "pattern"), _unusable(why)))
    return found


def _unbounded(schema: dict[str, Any]) -> list[tuple[Path, str]]:
    """For unevaluatedProperties, jsonschema matches all patterns that apply with Python's own engine, through every
    reference. So they are told apart wherever they stand: a reference may lead to what looks like data."""
    places: dict[str, list[Path]] = {"patternProperties": [], "unevaluatedProperties": []}
    stack: list[tuple[Path, Any]] = [((), schema)]
    while stack:
        path, value = stack.pop()
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            stack.append(((*path, key), item))
            if key in places:
                places[key].append((*path, key))
    mend = "cannot be used in a schema that has patternProperties; write additionalProperties instead"
    return [(place, mend) for place in places["unevaluatedProperties"]] if places["patternProperties"] else []


def _unusable(why: str) -> str:
    mend = r"without look-around and back references, \x{e9} for \u00e9, \p{L} for any letter, {1,1000} at most"
    return f"is no pattern that RE2 takes, which matches in bounded time ({why}); write it {mend}"


def _judge(schema: dict[str, Any], place: Path, value: str) -> Iterator[tuple[Path, str]]:
    keyword = place[-1]
    if keyword in ("$ref", "$dynamicRef"):
        if not value.startswith("#"):
            yield place, f"is `{value}`; write a reference inside this schema, such as #/$defs/name"
        elif not isinstance(_target(schema, value), dict | bool):
            yield place, f"is `{value}`, which is not in this schema; add it there, or correct the reference"
    elif keyword == "$schema" and value.rstrip("#") != _DRAFT:
        yield place, f"is `{value}`; leave it out, or write {_DRAFT}"
    elif keyword in ("$id", "$anchor", "$dynamicAnchor"):
        yield place, "cannot be used; leave it out, and refer to parts as #/$defs/name"


def _target(schema: Any, reference: str) -> Any:
    """What the reference leads to; None where that is nothing."""
    first, slash, pointer = reference[1:].partition("/")
    if first:
        return None
    for part in unquote(pointer).split("/") if slash else ():
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(schema, dict) or key not in schema:
            return None
        schema = schema[key]
    return schema


def _references(schema: Any) -> Iterator[tuple[Path, str]]:
    """Every keyword that begins with $ and holds a text, wherever it stands; without recursion."""
    stack: list[tuple[Path, Any]] = [((), schema)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            named = path[-1:] in _NAMED
            stack.extend(((*path, key), item) for key, item in value.items() if named or key not in _DATA)
        elif isinstance(value, list):
            stack.extend(((*path, place), item) for place, item in enumerate(value))
        elif isinstance(value, str) and path and str(path[-1]).startswith("$"):
            yield path, value


def _endless(schema: dict[str, Any]) -> str | None:
    """Whether a reference comes back to itself before it has taken a step into the value, or to so many others that
    it might as well."""
    if _has_circle(schema):
        return "refers to itself without end; put the reference below `properties` or `items`"
    emptiest: tuple[Any, ...] = (None, {}, [])
    found = {error.message for value in emptiest for error in misfits(schema, value)}
    if found & {TOO_LONG, TOO_DEEP}:
        return "takes too long to compare even nothing with it; let no reference lead to the same place twice"
    return None


def _has_circle(schema: dict[str, Any]) -> bool:
    """Whether some value would be compared with the same part again and again. Without recursion."""
    passed: set[int] = set()
    for place, _ in _references(schema):
        start = _at(schema, place[:-1])
        way, stack = {id(start)}, [(start, _of_the_same_value(schema, start))]
        while stack:
            part, following = stack[-1]
            if (found := next(following, None)) is None:
                stack.pop()
                way.discard(id(part))
                passed.add(id(part))
            elif id(found) in way:
                return True
            elif id(found) not in passed:
                way.add(id(found))
                stack.append((found, _of_the_same_value(schema, found)))
    return False


def _at(schema: Any, place: Path) -> Any:
    for key in place:
        schema = schema[key]
    return schema


def _of_the_same_value(whole: dict[str, Any], part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts that a value is compared with where it is compared with this one."""
    found = [_target(whole, part[key]) for key in ("$ref", "$dynamicRef") if isinstance(part.get(key), str)]
    for key in ("allOf", "anyOf", "oneOf"):
        found += part[key] if isinstance(part.get(key), list) else []
    found += [part.get(key) for key in (("not", "if", "then", "else") if "if" in part else ("not",))]
    dependent = part.get("dependentSchemas")
    found += dependent.values() if isinstance(dependent, dict) else []
    return (each for each in found if isinstance(each, dict))
