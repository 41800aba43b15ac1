"""A function step: one call of a registered Python function (SPEC 2).

It runs in the engine's own process (``isolation: thread``): a crash of the interpreter is the worker's, and a function
that passes its time limit is given up, not ended. For functions that may do either there is ``isolation: process``.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from engine import strict_json
from engine.errors import InvalidInput
from engine.functions import KEY_ARGUMENT, find_function, function_names
from engine.limits import MAX_RESPONSE_BYTES
from engine.masking import Masker
from engine.nodes.words import cut
from engine.outcomes import Failure, Outcome, Success

log = logging.getLogger(__name__)


def run_function(name: str, args: Mapping[str, Any], key: Callable[[], str], masker: Masker) -> Outcome:
    """Call the function with rendered ``args``, in this thread; its time limit is kept by engine.deadlines.

    Whatever it raises is a Failure, masked, and never tried again. ``key`` is asked for a function that takes one.
    """
    known = find_function(name)
    if known is None:
        names = ", ".join(function_names()) or "none"
        return Failure(f"There is no function {name}. Those of the settings' functions: {names}.", must_block=True)
    if known.takes_key:
        args = {**args, KEY_ARGUMENT: key()}
    misfit = known.misfit(args)
    if misfit:
        return Failure(f"{name} cannot be called with these arguments: {misfit}.")
    return _call(known.call, args, name, masker)


def _call(call: Callable[..., Any], args: Mapping[str, Any], name: str, masker: Masker) -> Outcome:
    try:
        result = call(**args)
    except BaseException as error:  # a function's SystemExit must not end a thread of the worker either
        log.warning("%s failed.\n%s", name, masker.text(traceback.format_exc()))
        return Failure(cut(masker.text(f"{name} failed: {type(error).__name__}: {error}".rstrip(": "))))
    return _kept(result, name, masker)


def _kept(result: Any, name: str, masker: Masker) -> Outcome:
    """A result is JSON, of a size and depth that templates and doors can handle."""
    if result is None or isinstance(result, bool):
        return Success(result)
    try:
        text = strict_json.dumps(result)
        strict_json.check_depth(text)
    except InvalidInput as error:
        return Failure(cut(masker.text(f"{name} gave a result that cannot be kept. {error}")))
    if len(text) > MAX_RESPONSE_BYTES:
        return Failure(f"{name} gave a result of {len(text):,} bytes; the limit is {MAX_RESPONSE_BYTES:,}.")
    return Success(result)
