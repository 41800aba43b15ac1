"""One call of a registered function, and what it came to as text: nothing of the function's own leaves it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from engine.errors import InvalidInput
from engine.limits import MAX_RESPONSE_BYTES, MAX_TOLD_CHARS
from engine.values import strict_json

_FRAMES = 50  # of a traceback that is too long to be told whole


class Answer(NamedTuple):
    """``result`` as JSON text, or why there is none: ``problem`` goes on after the function's name. Not masked yet."""

    result: str | None = None
    problem: str | None = None
    trace: str | None = None


def answer(call: Callable[..., Any], args: Mapping[str, Any]) -> Answer:
    """Call it. Never raises: a function's SystemExit must end nothing but the call."""
    try:
        result = call(**args)
    except BaseException as error:
        return Answer(problem=f"failed: {_described(error)}", trace=_traced(error))
    try:
        return _kept(result)
    except BaseException as error:  # a result may be of a class whose methods raise
        return Answer(problem=f"gave a result that cannot be kept. {_described(error)}", trace=_traced(error))


def _kept(result: Any) -> Answer:
    """A result is JSON, of a size and depth that templates and doors can handle."""
    try:
        text = strict_json.dumps(result)
        strict_json.check_depth(text)
    except InvalidInput as error:
        return Answer(problem=f"gave a result that cannot be kept. {error}")
    if len(text) > MAX_RESPONSE_BYTES:
        return Answer(problem=f"gave a result of {len(text):,} bytes; the limit is {MAX_RESPONSE_BYTES:,}.")
    return Answer(text)


def _described(error: BaseException) -> str:
    """Type and message, whole or not at all: whoever masks it does not know a sensitive value that was cut. An error
    may be of a class whose message raises in its turn."""
    name = type(error).__name__
    try:
        message = str(error)
    except BaseException:
        return f"{name}, whose message cannot be shown"
    if len(message) > MAX_TOLD_CHARS:
        return f"{name}, whose message has {len(message):,} characters"
    return f"{name}: {message}".rstrip(": ")


def _traced(error: BaseException) -> str:
    try:
        whole = "".join(traceback.format_exception(error))
        if len(whole) <= MAX_TOLD_CHARS:
            return whole
        return "".join([*traceback.format_tb(error.__traceback__, -_FRAMES), _described(error)])[-MAX_TOLD_CHARS:]
    except BaseException:
        return f"{type(error).__name__}, whose traceback cannot be shown"
