"""How a call is read: whose it is, how large, and as what JSON. Before anything else is looked at."""

from __future__ import annotations

import email.message
import time
import uuid
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.commands.api_keys import Caller
from engine.commands.service import Engine
from engine.errors import InputTooLarge, InvalidInput
from engine.limits import MAX_INPUT_BYTES
from engine.rules.permissions import Actor
from engine.values.strict_json import loads
from retrigger.api.models import KEY_HEADER
from retrigger.api.problems import BadBody, WrongMedia

_SLOW = 1.0  # seconds; a body is nearly always there by then, and to look at its key twice costs a tenth of a submit
_DRAINED = 16 * MAX_INPUT_BYTES  # bytes read off a body that is too large, so that its sender comes to read the answer


class BodyLimit:
    """ASGI middleware: no body is longer than ``MAX_INPUT_BYTES``, whatever it says of itself, or does not say."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken <= MAX_INPUT_BYTES:
                return message
            while message.get("more_body") and taken <= _DRAINED:
                message = await receive()
                taken += len(message.get("body", b""))
            raise InputTooLarge(f"The body is too large; the limit is {MAX_INPUT_BYTES:,} bytes.")

        with suppress(ClientDisconnect):  # nobody is there any more to be answered
            await self._app(scope, limited, send)


class JsonRequest(Request):
    """A request whose body was read by our own reader already."""

    value: Any = None

    async def json(self) -> Any:
        return self.value


class JsonRoute(APIRoute):
    """A route behind an API key. The key comes first: nobody's body is looked at without one."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        known = {parameter.alias for parameter in self.dependant.query_params}

        async def checked(request: Request) -> Response:
            request.state.caller = await run_in_threadpool(_caller, request)
            seen = time.monotonic()
            _only(known, request)
            read = JsonRequest(request.scope, request.receive)
            body = await read.body()
            if time.monotonic() - seen > _SLOW:  # its key may have been revoked meanwhile
                request.state.caller = await run_in_threadpool(_caller, request)
            if body:
                read.value = await run_in_threadpool(_parsed, body, request.headers.get("content-type", ""))
            return await handle(read)

        return checked


class Call(NamedTuple):
    """What a route works with."""

    engine: Engine
    caller: Caller

    @property
    def actor(self) -> Actor:
        return self.caller.actor

    def submit_key(self, key: str | None) -> str | None:
        """The caller's Idempotency-Key as the key of a request."""
        return None if key is None else self.caller.command_id(key)

    def command_id(self, key: str | None) -> str:
        """The caller's Idempotency-Key as a command's id; without one, an id that nobody repeats."""
        return uuid.uuid4().hex if key is None else self.caller.command_id(key)


bearer = HTTPBearer(auto_error=False, scheme_name="key", description="An API key: `retrigger key create NAME`.")


def _call(request: Request) -> Call:
    return Call(request.app.state.engine, request.state.caller)


Calling = Annotated[Call, Depends(_call)]


def _caller(request: Request) -> Caller:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    engine: Engine = request.app.state.engine
    return engine.caller(key.strip() if scheme.lower() == "bearer" else None)


def _only(known: set[str], request: Request) -> None:
    """A misspelt ``plan`` must not carry out what it was only to tell, nor one that is true and false. Raises
    InvalidInput."""
    for name in request.query_params:
        if name not in known:
            takes = ", ".join(sorted(known)) or "none"
            raise InvalidInput(f"This call has no parameter {name[:60]!r}; it takes {takes}.", name[:60])
        _once(name, request.query_params.getlist(name))
    _once(KEY_HEADER, request.headers.getlist(KEY_HEADER))


def _once(name: str, given: list[str]) -> None:
    if len(given) > 1:
        raise InvalidInput(f"{name} stands twice in this call; send one of them.", name)


def is_json(content_type: str) -> bool:
    """Whether a body of this type is said to be JSON."""
    head = email.message.Message()
    head["content-type"] = content_type
    kind, subtype = head.get_content_maintype(), head.get_content_subtype()
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


def text_of(body: bytes) -> str:
    """A body that must be text. Raises BadBody."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadBody(f"The body is no UTF-8 text: byte {error.start + 1} cannot be read.") from None


def _parsed(body: bytes, content_type: str) -> Any:
    """Strict JSON. Raises BadBody, WrongMedia, InvalidJson, and InputTooLarge or InvalidInput for what it holds."""
    if not is_json(content_type):
        raise WrongMedia("Send the body as JSON, with the header Content-Type: application/json.")
    return loads(text_of(body), limit=MAX_INPUT_BYTES)
