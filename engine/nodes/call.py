"""A rendered call: what a definition's templates gave, checked before anything leaves. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from engine.errors import RetriggerError
from engine.nodes.answer import Expectation
from engine.nodes.connections import Connection
from engine.rules.idempotency_keys import call_digest
from engine.values import strict_json
from engine.values.headers import header_problem
from engine.values.shown import shown

_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"
_BETWEEN = re.compile("/|%2f|%5c", re.IGNORECASE)  # what servers take for the end of a segment; parameters follow a ;


class CallRefused(RetriggerError):
    """The templates gave something that cannot be called; nothing was sent."""


class PreparedCall(NamedTuple):
    """Everything about a call but its key. ``timeout`` in seconds; ``digest`` identifies the intended effect."""

    connection: Connection
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    body: bytes | None
    digest: str
    timeout: float
    expect: Expectation = Expectation()


def build_call(connection: Connection, method: str, path: Any, query: Any, headers: Any, body: Any) -> PreparedCall:
    """Check rendered values and put them together; with the connection's time-out. Raises CallRefused."""
    path = _path(path)
    pairs = tuple(_pairs(query or {}))
    sent_headers = _headers(headers or {}, connection)
    data, content_type = _body(body)
    if content_type and "content-type" not in {name.lower() for name in sent_headers}:
        sent_headers["Content-Type"] = content_type
    digest = call_digest(connection.name, method, path, pairs, body)
    return PreparedCall(connection, method, path, pairs, sent_headers, data, digest, connection.settings.timeout)


def _path(path: Any) -> str:
    """The path stays below the connection's base URL, whatever a request's values hold (SPEC 2)."""
    if not isinstance(path, str) or not path.startswith("/"):
        raise CallRefused(f"The path must be text that begins with '/', and is {shown(path)}.")
    if path.startswith("//"):
        raise CallRefused(f"The path begins with '//', which would name another host: {shown(path)}.")
    found = re.search(r"[\x00-\x1f\x7f\\?#]", path)
    if found:
        raise CallRefused(
            f"The path holds {found[0]!r}: {shown(path)}. Encode values with the filter urlencode; "
            "what follows a '?' belongs under query."
        )
    if any(unquote(segment).partition(";")[0] in (".", "..") for segment in _BETWEEN.split(path)):
        raise CallRefused(f"The path holds '..' or '.', which would lead elsewhere: {shown(path)}.")
    return path


def _pairs(query: Any) -> list[tuple[str, str]]:
    """Query parameters in order. A list repeats its name, null leaves it out."""
    if not isinstance(query, Mapping):
        raise CallRefused(f"The query must be names with values, and is {shown(query)}.")
    pairs = []
    for name, value in query.items():
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, Mapping | list | tuple):
                raise CallRefused(f"The query's {name} must be a text, a number, true, false, or a list of these.")
            if item is not None:
                pairs.append((str(name), _plain(item)))
    return pairs


def _headers(headers: Any, connection: Connection) -> dict[str, str]:
    if not isinstance(headers, Mapping):
        raise CallRefused(f"The headers must be names with values, and are {shown(headers)}.")
    sent = dict(connection.settings.headers)
    for name, value in headers.items():
        if isinstance(value, Mapping | list | tuple):
            raise CallRefused(f"The header {name} must be a text, a number, true or false.")
        if value is None:
            continue
        text = _plain(value).strip(" \t")
        problem = header_problem(name, text)
        if problem is None and connection.reserved(name):
            problem = f"header {name} is set by the connection {connection.name}; leave it out"
        if problem:
            raise CallRefused(f"The call cannot be sent: {problem}.")
        sent = {known: kept for known, kept in sent.items() if known.lower() != name.lower()}
        sent[name] = text
    return sent


def _body(body: Any) -> tuple[bytes | None, str | None]:
    """The bytes and their type. Text is sent as it stands, everything else as JSON; null is no body."""
    if body is None:
        return None, None
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass"), _TEXT
    return strict_json.dumps(body).encode(), _JSON


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
