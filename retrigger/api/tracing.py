"""Each call of the API has an id, which its answer and every log line of it carry."""

from __future__ import annotations

import logging
import re
import time
import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.logs import bind, logger

HEADER = "X-Request-Id"
_GIVEN = re.compile(r"[A-Za-z0-9._:/+=-]{1,100}")  # what goes into a log, and back
_WATCHED = ("/healthz", "/readyz", "/metrics")  # asked every few seconds by monitors

log = logger(__name__)


class Tracing:
    """ASGI middleware. Takes the caller's ``X-Request-Id``, or makes one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace, begun, status = _trace(scope), time.perf_counter(), 500
        scope.setdefault("state", {})["trace"] = trace
        bind(trace=trace)  # of this call's task; what the server says of it afterwards has it, too

        async def traced(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER.lower().encode(), trace.encode())]
            await send(message)

        try:
            await self._app(scope, receive, traced)
        finally:
            _say(scope, status, time.perf_counter() - begun)


def _trace(scope: Scope) -> str:
    given = next((value.decode("latin-1") for name, value in scope["headers"] if name == HEADER.lower().encode()), "")
    return given if _GIVEN.fullmatch(given) else uuid.uuid4().hex


def _say(scope: Scope, status: int, seconds: float) -> None:
    """The route, not the path: an address may be a secret, such as a callback's."""
    route = getattr(scope.get("route"), "path", None)
    number, caller = (scope.get("path_params") or {}).get("id"), scope["state"].get("caller")
    log.log(
        logging.DEBUG if route in _WATCHED else logging.INFO,
        "api.answered",
        method=scope["method"],
        route=route,
        status=status,
        ms=round(seconds * 1000, 1),
        actor=None if caller is None else caller.actor.id,
        request=None if number is None else f"REQ-{number}",
    )
