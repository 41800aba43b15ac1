"""An action step: one HTTP call through a connection (SPEC 2, 3.1, 4).

``prepare`` renders and checks the call; its caller makes the key durable; ``send`` makes it, once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import requests

from engine.definition.action import ActionSpec
from engine.logs import is_noteworthy, logger, running
from engine.nodes.answer import Answer, Expectation, judge
from engine.nodes.call import PreparedCall, build_call
from engine.nodes.connections import Connection, ConnectionUnusable
from engine.nodes.http import exchange
from engine.nodes.words import cut
from engine.rules.outcomes import Failure, Outcome, Waits
from engine.states import CallEffect
from engine.values.masking import Masker, mask_fields, sensitive_values

_ERROR_CHARS = 500  # an outside system may answer with a page of text
_SHORT = 500  # characters of an address that is kept

log = logger(__name__)
_plain = logging.getLogger(__name__)  # asked for each call, which structlog makes dear


def prepare(spec: ActionSpec, context: Mapping[str, Any], connection: Connection) -> PreparedCall:
    """Render the call. Raises TemplateError, CallRefused."""
    call = build_call(connection, spec.method, **spec.template.render(context))
    expect = Expectation(frozenset(spec.expect.status or ()), spec.expect.schema_, spec.retry.on_unexpected)
    return call._replace(timeout=spec.timeout or connection.settings.timeout, expect=expect)


def send(call: PreparedCall, key: str, masker: Masker, node: str, sensitive: Sequence[str] = ()) -> Outcome:
    """Make the call with its idempotency key. Whatever goes wrong is a Failure, masked.

    ``sensitive``: the definition's paths; those below ``nodes.<node>.result`` are masked in what is kept of an answer.
    """
    connection = call.connection
    try:
        request = _request(call, key)
    except ConnectionUnusable as error:
        return Failure(str(error), CallEffect.NOT_SENT)
    except (requests.RequestException, UnicodeError):
        return Failure(f"The call of {connection.name} cannot be written as HTTP.", CallEffect.NOT_SENT)
    begun = time.perf_counter()
    answer = exchange(connection.adapter, request, call.timeout)
    seconds = time.perf_counter() - begun
    own: set[str] = set()

    def hide(response: Any) -> Any:
        own.update(sensitive_values(sensitive, None, {node: response}))
        return mask_fields(sensitive, None, {node: response})[1][node]

    outcome = judge(connection.name, answer, call.expect, time.time(), hide)
    _say(call, key, outcome, answer.status if isinstance(answer, Answer) else None, seconds, masker)
    return _masked(outcome, masker.plus(own)) if isinstance(outcome, Failure) else outcome


def _say(call: PreparedCall, key: str, outcome: Outcome, status: int | None, seconds: float, masker: Masker) -> None:
    """Every call that failed, and those that a person, a retry or a recovery caused."""
    claim = running.get()
    level = logging.INFO if isinstance(outcome, Failure) or claim is None or is_noteworthy(claim) else logging.DEBUG
    if _plain.isEnabledFor(level):
        log.log(
            level,
            "call.ended",
            connection=call.connection.name,
            method=call.method,
            path=masker.text(call.path),
            status=status,
            ms=round(seconds * 1000, 1),
            key=key,
            effect=None if isinstance(outcome, Waits) else outcome.call,
        )


def _request(call: PreparedCall, key: str) -> requests.PreparedRequest:
    connection = call.connection
    own = connection.auth_headers() | {connection.settings.idempotency_header: key, "User-Agent": "Retrigger"}
    url, query = connection.url(call.path), call.query
    request = requests.PreparedRequest()
    request.prepare_method(call.method)
    request.url = _kept(url, query) if len(url) <= _SHORT and not query else _quoted(url, query)
    request.prepare_headers(call.headers | own)
    request.prepare_body(call.body, None)
    return request


def _quoted(url: str, query: tuple[tuple[str, str], ...]) -> str | None:
    """The address as requests writes it."""
    return requests.Request("GET", url, params=list(query)).prepare().url


_kept = lru_cache(maxsize=512)(_quoted)  # most steps call an address that was called before


def _masked(failure: Failure, masker: Masker) -> Failure:
    error = " ".join(masker.text(failure.error).split())
    return failure._replace(error=cut(error, _ERROR_CHARS), response=masker.value(failure.response))
