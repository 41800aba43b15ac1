"""A function step: one call of a registered Python function, in this thread or in a process of its own (SPEC 2).

In a thread (``isolation: thread``) a crash of the interpreter is the worker's, and a function that passes its time
limit is given up, not ended. In a process both cost the step alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from engine.errors import InvalidInput
from engine.functions import KEY_ARGUMENT, Registered, find_function, function_names
from engine.isolation.answer import Answer, answer
from engine.isolation.errors import Crashed, NoProcess, TookTooLong
from engine.isolation.pool import Processes
from engine.logs import logger
from engine.logs.printed import end_lines
from engine.nodes.words import cut, seconds
from engine.rules.outcomes import Ended, Failure, Success
from engine.states import CallEffect
from engine.values import strict_json
from engine.values.masking import Masker

log = logger(__name__)

Caller = Callable[[Registered, Mapping[str, Any]], Answer]


def run_function(name: str, args: Mapping[str, Any], key: Callable[[], str], masker: Masker, call: Caller) -> Ended:
    """Have ``call`` call the function with rendered ``args``.

    Whatever it raises is a Failure, masked, and never tried again. ``key`` is asked for a function that takes one.
    """
    known = find_function(name)
    if known is None:
        names = ", ".join(function_names()) or "none"
        return Failure(f"There is no function {name}. Those of the settings' functions: {names}.", must_block=True)
    if misfit := known.misfit({**args, KEY_ARGUMENT: ""} if known.takes_key else args):
        return Failure(f"{name} cannot be called with these arguments: {misfit}.")
    not_sent = None
    if known.takes_key:
        args, not_sent = {**args, KEY_ARGUMENT: key()}, CallEffect.NOT_SENT
    try:
        return _outcome(name, call(known, args), masker)
    except InvalidInput as error:
        return Failure(cut(masker.text(f"{name} cannot be called with these arguments. {error}")), not_sent)
    except NoProcess as error:
        why = masker.text(f"{name} was not called, as there is no process for it: {error}.")
        log.error("function.no_process", says=why)
        return Failure(cut(why), not_sent, must_block=True)


def here(known: Registered, args: Mapping[str, Any]) -> Answer:
    """Call it in this thread; its time limit is kept by engine.worker.deadlines."""
    try:
        return answer(known.call, args)
    finally:
        with suppress(ValueError):  # it has closed an output: the worker's log has its own
            end_lines(sys.stdout, sys.stderr)


def apart(processes: Processes, limit: float) -> Caller:
    """Calls it in a process of its own, for at most ``limit`` seconds. A crash is a failure, too.

    What it gives raises InvalidInput for arguments that JSON cannot say, NoProcess, Stopped."""

    def call(known: Registered, args: Mapping[str, Any]) -> Answer:
        text = strict_json.dumps(args)  # its size is that of what templates may render to
        try:
            return processes.call(known.name, text, limit)
        except TookTooLong:
            return Answer(problem=f"took longer than {seconds(limit)}; its process was ended.")
        except Crashed as crash:
            log.warning("function.crashed", says=f"{known.name} crashed in process {crash.pid}: {crash.how}.")
            return Answer(problem=f"crashed: {crash.how}.")

    return call


def _outcome(name: str, told: Answer, masker: Masker) -> Ended:
    if told.trace is not None:
        log.warning("function.failed", says=f"{name} failed.\n{masker.text(told.trace)}")
    if told.result is None:
        return Failure(cut(masker.text(f"{name} {told.problem}")))
    return Success(told.result)
