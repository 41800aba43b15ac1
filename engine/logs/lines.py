"""Log lines with a name and fields, joined by ids: one grep by one id tells a click's whole story.

The edges bind who is at work (``bound``: a click, a call of the API, a command); a worker's thread says which claim it
runs (``running``). Every line of that thread carries both. A line is an ordinary record of Python's logging, so that it
is handled as those of the libraries are; ``fields`` are for whoever writes JSON. docs/operating.md lists the names.

structlog takes a tenth of what a short command takes to start, and most of these log nothing: a first line imports it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

from engine.logs.json_line import SAYS
from engine.records import Claim
from engine.states import AttemptKind

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

Fields = MutableMapping[str, Any]

# Set for each step, so nothing is made of it until something is logged.
running: ContextVar[Claim | None] = ContextVar("running", default=None)


def logger(name: str) -> BoundLogger:
    """The logger of a module: ``log.info("relay.waits", says="…", request="REQ-1")``. Needs no setting up."""
    return cast("BoundLogger", _Logger(name))


class _Logger:
    """Each of its methods is made when it is used first."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, method: str) -> Any:
        import structlog
        from structlog.stdlib import BoundLogger, filter_by_level

        processors: list[Any] = [filter_by_level, _with_ids, _as_record]
        made = structlog.wrap_logger(logging.getLogger(self._name), processors, wrapper_class=BoundLogger).bind()
        self.__dict__[method] = found = getattr(made, method)
        return found


def bound(**fields: object) -> AbstractContextManager[None]:
    """Until it is left, every line of this thread, and of what it hands on with its context, has these fields."""
    from structlog.contextvars import bound_contextvars

    return bound_contextvars(**{name: value for name, value in fields.items() if value is not None})


def bind(**fields: object) -> None:
    """The same for the rest of this thread or task, which is given the next one's instead; None: without."""
    from structlog.contextvars import bind_contextvars, unbind_contextvars

    unbind_contextvars(*(name for name, value in fields.items() if value is None))
    bind_contextvars(**{name: value for name, value in fields.items() if value is not None})


def of_claim(claim: Claim) -> dict[str, Any]:
    """What joins a line to its attempt, and to the act that caused it."""
    step, trigger = claim.step, claim.attempt.trigger
    fields = {"request": f"REQ-{step.request_id}", "step": step.node, "attempt": step.attempt, "worker": step.worker}
    return fields if trigger is None or trigger.command is None else {**fields, "command": trigger.command}


def is_noteworthy(claim: Claim) -> bool:
    """Whether its steps are told at INFO: a person, a retry or a recovery caused it. Else thousands a second are."""
    return claim.attempt.trigger is not None or claim.attempt.kind is not AttemptKind.INITIAL


def line(event: str, fields: Mapping[str, Any]) -> str:
    """As people read it: the name, the sentence, then the other fields."""
    told = [f"{event}:", str(fields[SAYS])] if SAYS in fields else [event]
    return " ".join([*told, *(f"{name}={_shown(value)}" for name, value in fields.items() if name != SAYS)])


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if text and not any(mark in text for mark in ' "=\n') else json.dumps(text, ensure_ascii=False)


def joined() -> dict[str, Any]:
    """The ids that join a line of this thread to others: its claim's, then what is bound."""
    from structlog.contextvars import get_contextvars

    claim = running.get()
    bound = sorted(get_contextvars().items())  # of themselves they have no order
    return {**(of_claim(claim) if claim is not None else {}), **dict(bound)}


def _with_ids(logger: Any, method: str, fields: Fields) -> Fields:
    """Behind the line's own fields, which go before."""
    return {**fields, **{name: value for name, value in joined().items() if name not in fields}}


def _as_record(logger: Any, method: str, fields: Fields) -> tuple[tuple[str], dict[str, Any]]:
    event, exc_info = fields.pop("event"), fields.pop("exc_info", None)
    rest = {name: value for name, value in fields.items() if value is not None}
    return (line(event, rest),), {"exc_info": exc_info, "extra": {"fields": {"event": event, **rest}}}
