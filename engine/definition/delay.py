"""The specification of a delay: a duration, or a time (SPEC 2, SPEC 10)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from engine import templates
from engine.definition.fields import Model, described, more_than_nothing, problem, seconds

_FOR, _UNTIL = "2h", "2030-01-31T09:00:00+01:00"
_LAST_YEAR = 9999  # in which a time of one zone is not one of every other: Python knows no year 10000


def _check_for(value: Any) -> Any:
    return value if isinstance(value, str) and templates.is_template(value) else more_than_nothing(seconds(value))


def _check_until(value: Any) -> Any:
    if not (isinstance(value, str) and templates.is_template(value)):
        _time(value)
    return value


def _time(value: Any) -> float:
    try:
        found = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        raise problem(f"is {described(value)}; write a time such as {_UNTIL}")
    if found.tzinfo is None:
        raise problem(f"is {described(value)}, which names no zone; write a time such as {_UNTIL}, or end it with Z")
    if found.year >= _LAST_YEAR:
        raise problem(f"is {described(value)}; write a time before the year {_LAST_YEAR}")
    return found.timestamp()


class DelaySpec(Model):
    """One of the two: ``for_`` in seconds, ``until`` an ISO 8601 time with its zone, or a template of either."""

    for_: Annotated[float | str | None, BeforeValidator(_check_for)] = Field(
        None, alias="for", description=f"a duration such as {_FOR}"
    )
    until: Annotated[str | None, BeforeValidator(_check_until)] = Field(None, description=f"a time such as {_UNTIL}")

    @model_validator(mode="after")
    def _is_one_form(self) -> DelaySpec:
        if (self.for_ is None) == (self.until is None):
            has = "neither `for` nor `until`" if self.for_ is None else "both `for` and `until`"
            raise problem(f"has {has}; write {{for: {_FOR}}} or {{until: {_UNTIL}}}")
        return self

    @property
    def parts(self) -> dict[str, Any]:
        """What may hold a template, by field."""
        return {"until": self.until} if self.for_ is None else {"for": self.for_}

    @cached_property
    def template(self) -> templates.Template:
        """Renders to what ``moment`` takes."""
        return templates.compile_value(self.parts)


def moment(rendered: Mapping[str, Any], now: float) -> float:
    """When a delay is over, in seconds since the epoch: ``{"for": …}`` counts from ``now``, ``{"until": …}`` is itself,
    past or to come. Raises TemplateError for what is no duration or no time."""
    [(field, value)] = rendered.items()
    try:
        return now + seconds(value) if field == "for" else _time(value)
    except PydanticCustomError as error:
        raise templates.TemplateError(error.message(), field) from None
