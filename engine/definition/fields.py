"""The kinds of value that a definition's fields take, and how a wrong one is explained."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    RootModel,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from engine.definition.problems import Report, instead
from engine.limits import MAX_SECONDS
from engine.values.paths import Path

ID = re.compile(r"[a-z][a-z0-9_]{0,59}")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd])")
_PROBLEM = "problem"


class Model(BaseModel):
    """What all parts of a definition are: frozen, without unknown keys.

    A field's ``description`` completes the sentence "write …" of the problem that a wrong value gives.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


def problem(sentence: str) -> PydanticCustomError:
    """To be raised in a validator: the whole sentence of a problem, mend included."""
    return PydanticCustomError(_PROBLEM, "{sentence}", {"sentence": sentence})


def seconds(value: Any) -> Any:
    """``10s``, ``2m``, ``1h``, ``2d`` or a number of seconds, as seconds."""
    found = value
    if isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
        found = float(match[1]) * _SECONDS[match[2]]
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise problem(f"is {described(value)}; write a duration such as 10s, 2m, 1h or 2d, or a number of seconds")
    if not 0 <= found <= MAX_SECONDS:
        raise problem(f"is {described(value)}; write a duration between 0s and 365d")
    return float(found)


def more_than_nothing(value: float) -> float:
    """A duration that is one."""
    if value <= 0:
        raise problem("is no time at all; write a duration such as 10s")
    return value


def _one_of(*words: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value not in words:
            meant = next((word for word in words if word.lower() == str(value).lower()), value)
            raise problem(f"is {described(value)}; {instead(meant, words, 'write')}")
        return value

    return check


def choice(*words: str) -> BeforeValidator:
    """One of the words, or a problem that says which are there."""
    return BeforeValidator(_one_of(*words))


def matching(pattern: str, what: str) -> AfterValidator:
    """A text of the given form."""
    form = re.compile(pattern)

    def check(value: str) -> str:
        if not form.fullmatch(value):
            raise problem(f"is {described(value)}; write {what}")
        return value

    return AfterValidator(check)


Text = StrictStr
Flag = StrictBool
Count = StrictInt
Duration = Annotated[float, BeforeValidator(seconds)]
Timeout = Annotated[float, BeforeValidator(seconds), AfterValidator(more_than_nothing)]
Target = Annotated[StrictStr, matching(r"[\s\S]+", "the id of a node, or end")]


def described(value: Any) -> str:
    """A value of the file, or of a template, as a sentence names it. Whole or not at all: what a template gave may be
    sensitive, and is not known by whoever masks the sentence once it was cut."""
    if value is None:
        return "empty"
    if isinstance(value, str):
        whole = f"`{value}`" if value else "an empty text"
        return whole if len(value) <= 60 else f"a text of {len(value):,} characters"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    return f"the number {value}"


_M = TypeVar("_M", bound=BaseModel)


def validated(model: type[_M], raw: dict[str, Any], report: Report, path: Path) -> _M | None:
    """The model of ``raw``; None when it does not fit, and then ``report`` says why."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        for found in error.errors(include_url=False):
            place = tuple(part for part in found["loc"] if part != "[key]")
            if (*path, *place) not in report.unclear:
                report.add((*path, *place), _sentence(model, place, found))
    return None


def _sentence(model: type[BaseModel], place: Path, found: Any) -> str:
    if found["type"] == _PROBLEM:
        return str(found["msg"])
    owner, field = _owner(model, place)
    if found["type"] == "extra_forbidden":
        return f"is not known; {instead(place[-1], names(owner)) if names(owner) else 'remove it'}"
    hint = owner.model_fields[field].description if field in owner.model_fields else None
    if found["type"] == "missing":
        return f"is missing; {f'write {hint}' if hint else 'add it'}"
    msg = str(found["msg"])  # pydantic's own words: "Input should be a valid string"
    return f"is {described(found['input'])}; {f'write {hint}' if hint else f'{msg[0].lower()}{msg[1:]}'}"


def names(model: type[BaseModel]) -> list[str]:
    """The keys that may be written."""
    return [field.alias or name for name, field in model.model_fields.items() if field.exclude is not True]


def _owner(model: type[BaseModel], place: Path) -> tuple[type[BaseModel], str]:
    """The model and field at a place, or the nearest around it."""
    field = ""
    for part in place:
        found = next((name for name, f in model.model_fields.items() if part in (name, f.alias)), None)
        if found is None:
            continue  # an index of a list, or a key that nobody knows
        field = found
        inner = next(_models(model.model_fields[found].annotation), None)
        if inner is None or part == place[-1]:
            break
        model = inner
    return model, field


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        yield from _models(annotation.model_fields["root"].annotation)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
