"""The specification of a function: a call of a registered Python function (SPEC 2, SPEC 10)."""

from __future__ import annotations

import keyword
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from engine import templates
from engine.definition.fields import Model, Text, Timeout, choice, described, matching, problem


def _check_args(args: dict[str, Any]) -> dict[str, Any]:
    for name in args:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise problem(f"has {described(name)}; write the name of an argument of the Python function")
        if name == "idempotency_key":
            raise problem("has `idempotency_key`, which the engine gives to a function that takes it; remove it")
    return args


_NAME = "the name that the function is registered with"


class FunctionSpec(Model):
    """A registered Python function; ``timeout`` in seconds. In a ``thread`` it runs within the worker's own process,
    which its crash would end."""

    name: Annotated[Text, matching(r"[^\s{}]+", _NAME)] = Field(description=_NAME)
    args: Annotated[dict[str, Any], AfterValidator(_check_args)] = Field({}, description="a mapping of arguments")
    timeout: Timeout = 60.0
    isolation: Annotated[Literal["process", "thread"], choice("process", "thread")] = "process"

    @cached_property
    def template(self) -> templates.Template:
        """Renders to the arguments of one call."""
        return templates.compile_value(self.args, "args")
