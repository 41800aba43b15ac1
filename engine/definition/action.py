"""The specification of an action: one HTTP call through a connection (SPEC 2, SPEC 10)."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from engine import templates
from engine.definition.fields import Count, Duration, Flag, Model, Text, Timeout, choice, described, matching, problem
from engine.values.headers import CONTROL, HEADER_NAME, OWN_HEADERS

_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_ENGINE_HEADERS = OWN_HEADERS | {"idempotency-key"}
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})


def _check_path(path: str) -> str:
    """A literal ``/`` and a character that is no ``/`` come first, so no template decides the scheme or host."""
    if not path.startswith("/") or path.startswith(("//", "/\\")):
        raise problem(
            f"is {described(path)}; write a path that starts with one `/`, such as /accounts: "
            "the connection's base_url decides scheme and host"
        )
    literal = _TEMPLATE.sub("x", path)
    if re.search(r"[?#\s\x00-\x1f\\]", literal):
        raise problem(f"is {described(path)}; write a path without spaces, ? and #, and what follows ? under `query`")
    if re.search(r"/\.{1,2}(/|$)", literal):
        raise problem(f"is {described(path)}; write a path without . and .. as parts")
    return path


def _check_query(query: dict[str, Any]) -> dict[str, Any]:
    for name, value in query.items():
        if any(isinstance(item, dict | list) for item in (value if isinstance(value, list) else [value])):
            mend = "write a text, a number, true, false, or a list of these"
            raise problem(f"has a mapping or nested list in {described(name)}; {mend}")
    return query


def _check_header(name: str, value: str) -> None:
    if not re.fullmatch(HEADER_NAME, name):
        raise problem(f"has {described(name)}; write a header's name, such as X-Trace")
    if name.lower() in _ENGINE_HEADERS:
        raise problem(f"has `{name}`, which the engine sets itself; remove it")
    if name.lower() in _SECRET_HEADERS and not templates.is_template(value):
        raise problem(f"has `{name}`; write it as the `auth` of the connection, in the settings: secrets stay there")
    if re.search(CONTROL, value):
        raise problem(f"has a line break or control character in `{name}`; write it on one line")


def _check_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        _check_header(name, value)
    return headers


def _check_status(status: int) -> int:
    if not (200 <= status <= 299 or 400 <= status <= 599):
        raise problem(f"is {described(status)}; write statuses from 200 to 299 or 400 to 599 (redirects are failures)")
    return status


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


def _check_times(times: int) -> int:
    if not 0 <= times <= 100:
        raise problem(f"is {described(times)}; write a whole number from 0 to 100")
    return times


def _check_backoff(factor: Any) -> float:
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not 1 <= factor <= 10:
        raise problem(f"is {described(factor)}; write a number from 1 to 10")
    return float(factor)


class Expect(Model):
    """What counts as success: these statuses (None: any 2xx), and a body that fits the JSON Schema, if there is one."""

    status: Annotated[tuple[Annotated[Count, AfterValidator(_check_status)], ...] | None, BeforeValidator(_as_list)] = (
        Field(None, min_length=1, description="a list of statuses such as [200, 201]")
    )
    schema_: dict[str, Any] | None = Field(None, alias="schema", description="a JSON Schema, such as {type: object}")


class Retry(Model):
    """``times`` tries after the first; waits of ``interval`` seconds, each ``backoff`` times the one before.

    ``on_unexpected``: retry a response that does not match ``expect``, too.
    """

    times: Annotated[Count, AfterValidator(_check_times)] = Field(0, description="a whole number such as 3")
    interval: Duration = 1.0
    backoff: Annotated[float, BeforeValidator(_check_backoff)] = 2.0
    on_unexpected: Flag = Field(False, description="true or false")


_CONNECTION = "the name of a connection of the settings"


class ActionSpec(Model):
    """``timeout`` is the deadline of the whole call in seconds; None: the connection's."""

    connection: Annotated[Text, matching(r"[^\s{}]+", _CONNECTION)] = Field(description=_CONNECTION)
    method: Annotated[str, choice("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")] = Field(
        description="GET, POST, PUT, PATCH, DELETE or HEAD"
    )
    path: Annotated[Text, AfterValidator(_check_path)] = Field(description="a path that starts with `/`")
    query: Annotated[dict[str, Any], AfterValidator(_check_query)] = Field(
        {}, description="a mapping such as {page: 1}"
    )
    headers: Annotated[dict[str, Text], AfterValidator(_check_headers)] = Field(
        {}, description='texts, such as {X-Trace: "{{ request.id }}"}'
    )
    body: Any = None
    expect: Expect = Field(Expect(), description="a mapping such as {status: [200, 201]}")
    timeout: Timeout | None = None
    retry: Retry = Field(Retry(), description="a mapping such as {times: 3, interval: 2s, backoff: 2}")

    @property
    def parts(self) -> dict[str, Any]:
        """What may hold templates, by field."""
        return {"path": self.path, "query": self.query, "headers": self.headers, "body": self.body}

    @cached_property
    def template(self) -> templates.Template:
        """Renders to ``{"path", "query", "headers", "body"}`` of one call."""
        return templates.compile_value(self.parts)
