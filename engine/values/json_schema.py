"""Whether a value from outside fits a JSON Schema, and if not, why; in a time that grows no faster than it. Pure.

jsonschema itself tells every error there is, and compares every item with every other: half a million numbers where
texts were expected took it a minute and a half, and lists that must not repeat themselves take it hours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from fractions import Fraction
from functools import lru_cache, wraps
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from referencing import Registry

from engine.limits import MAX_SCHEMA_CHECKS
from engine.values import regex
from engine.values.shown import shown

MOST = 100  # errors that are looked for
TOO_LONG = f"it takes more than {MAX_SCHEMA_CHECKS:,} checks to compare it with its schema"
TOO_DEEP = "it is nested too deep to be compared with its schema"
_SOME = 20  # errors of each alternative of an anyOf or oneOf
_AT_ONCE = 8  # entries of a list or an object that are compared in the time of a check
_COMPARED = 2000  # entries that are compared with each of those that other keywords have seen


def misfits(schema: Mapping[str, Any] | None, value: Any) -> list[ValidationError]:
    """The first errors, at most ``MOST``; none when it fits. ``TOO_LONG`` where it takes more than
    ``MAX_SCHEMA_CHECKS`` to know: references may ask for the same again and again, twice as often at each level.
    ``TOO_DEEP`` where Python's stack is not enough for it. Raises Unresolvable for a reference that leads nowhere.
    """
    if schema is None:
        return []
    _left.set([MAX_SCHEMA_CHECKS])
    try:
        return list(islice(_validator(json.dumps(schema)).iter_errors(value), MOST))
    except _TooLong:
        return [ValidationError(TOO_LONG)]
    except RecursionError:
        return [ValidationError(TOO_DEEP)]
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # no Exception: Python's stack ended within the registry's Rust
            raise
        return [ValidationError(TOO_DEEP)]


class _TooLong(Exception):
    pass


_left: ContextVar[list[int]] = ContextVar("_left")  # checks that the comparison may still take, in a list of one
Check = Callable[[Draft202012Validator, Any, Any, Any], Iterable[ValidationError] | None]


def _counted(check: Check) -> Check:
    """A keyword's own check, counted by what it has to compare."""

    @wraps(check)
    def counted(validator: Draft202012Validator, wanted: Any, value: Any, whole: Any) -> Iterator[ValidationError]:
        left = _left.get()
        left[0] -= 1 + sum(len(each) // _AT_ONCE for each in (wanted, value) if isinstance(each, list | dict))
        if left[0] < 0:
            raise _TooLong
        yield from check(validator, wanted, value, whole) or ()

    return counted


@lru_cache(maxsize=256)
def _validator(schema: str) -> Draft202012Validator:
    """With a registry of its own, so that a schema cannot have us fetch another from the network."""
    found: Draft202012Validator = _Bounded(json.loads(schema), registry=Registry())
    return found


def _any_of(validator: Draft202012Validator, schemas: list[Any], value: Any, _: object) -> Iterator[ValidationError]:
    errors: list[ValidationError] = []
    for place, schema in enumerate(schemas):
        found = list(islice(validator.descend(value, schema, schema_path=place), _SOME))
        if not found:
            return
        errors += found
    yield ValidationError(f"{shown(value)} is not valid under any of the given schemas", context=errors)


def _one_of(
    validator: Draft202012Validator, schemas: list[Any], value: Any, whole: object
) -> Iterator[ValidationError]:
    valid = [schema for schema in schemas if validator.evolve(schema=schema).is_valid(value)]
    if not valid:
        yield from _any_of(validator, schemas, value, whole)
    elif len(valid) > 1:
        yield ValidationError(f"{shown(value)} is valid under {len(valid)} of the given schemas, not under one")


def _unique_items(validator: Draft202012Validator, wanted: bool, value: Any, _: object) -> Iterator[ValidationError]:
    if wanted and isinstance(value, list) and len(set(map(_comparable, value))) < len(value):
        yield ValidationError(f"{shown(value)} has non-unique elements")


def _comparable(value: Any) -> Any:
    """Equal, and hashed alike, for what JSON Schema holds to be the same: 1 and 1.0, but not 1 and true."""
    if isinstance(value, dict):
        return dict, frozenset((key, _comparable(item)) for key, item in value.items())
    if isinstance(value, list):
        return list, tuple(map(_comparable, value))
    return isinstance(value, bool), value


def _multiple_of(validator: Draft202012Validator, step: Any, value: Any, whole: object) -> Iterator[ValidationError]:
    """jsonschema's own, but that a whole number may be larger than every float."""
    try:
        yield from Draft202012Validator.VALIDATORS["multipleOf"](validator, step, value, whole) or ()
    except OverflowError:
        if Fraction(value) % Fraction(step):
            yield ValidationError(f"{shown(value)} is not a multiple of {step}")


def _pattern(validator: Draft202012Validator, pattern: str, value: Any, _: object) -> Iterator[ValidationError]:
    if isinstance(value, str) and not regex.found(pattern, value):
        yield ValidationError(f"{shown(value)} does not match {pattern!r}")


def _pattern_properties(
    validator: Draft202012Validator, schemas: Mapping[str, Any], value: Any, _: object
) -> Iterator[ValidationError]:
    for pattern, schema in schemas.items() if isinstance(value, dict) else ():
        for name, item in value.items():
            if regex.found(pattern, name):
                yield from validator.descend(item, schema, path=name, schema_path=pattern)


def _additional_properties(
    validator: Draft202012Validator, schema: Any, value: Any, whole: Mapping[str, Any]
) -> Iterator[ValidationError]:
    named, patterns = whole.get("properties", {}), whole.get("patternProperties", {})
    others = [
        name
        for name in (value if isinstance(value, dict) else ())
        if name not in named and not any(regex.found(pattern, name) for pattern in patterns)
    ]
    if schema is False and others:
        yield ValidationError(f"Additional properties are not allowed ({shown(others[0])} was unexpected)")
    elif schema is not False:
        for name in others:
            yield from validator.descend(value[name], schema, path=name)


def _unevaluated(keyword: str) -> Any:
    original = Draft202012Validator.VALIDATORS[keyword]

    def check(validator: Draft202012Validator, schema: Any, value: Any, whole: Any) -> Iterator[ValidationError]:
        if isinstance(value, dict | list) and len(value) > _COMPARED:
            yield ValidationError(f"it has {len(value):,} entries, and `{keyword}` looks at {_COMPARED:,} at most")
        else:
            yield from original(validator, schema, value, whole)

    return check


_CHECKS: Mapping[str, Check] = {
    **Draft202012Validator.VALIDATORS,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "uniqueItems": _unique_items,
    "multipleOf": _multiple_of,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "unevaluatedItems": _unevaluated("unevaluatedItems"),
    "unevaluatedProperties": _unevaluated("unevaluatedProperties"),
}
_Bounded: type[Draft202012Validator] = extend(  # type: ignore[no-untyped-call]  # jsonschema's stubs leave it untyped
    Draft202012Validator, {keyword: _counted(check) for keyword, check in _CHECKS.items()}
)
