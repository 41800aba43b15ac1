"""The outside systems of the demo as a real HTTP service, with a page of switches and a live ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from typing import Annotated, Any

from anyio import to_thread
from fastapi import Body, FastAPI, Header, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from engine.errors import NotFound
from retrigger import serving
from retrigger.demo import ports
from retrigger.demo.outside_switches import NewRule, Rule, Switch
from retrigger.demo.outside_systems import Call, OutsideSystems

STOP_SECONDS = 1.0
THREADS = 200
"""Slow calls hold a thread each; the page must still answer beside them."""


def create_app(state: OutsideSystems) -> FastAPI:
    """The page at ``/``, its JSON, and the systems at ``/<system>/<path>``."""
    app = FastAPI(title="Outside systems", docs_url=None, redoc_url=None, lifespan=_many_threads)
    page = resources.files("retrigger.demo").joinpath("outside.html").read_text(encoding="utf-8")

    @app.exception_handler(NotFound)
    def not_found(_: Request, error: NotFound) -> Response:
        return JSONResponse({"error": str(error)}, 404)

    @app.get("/", response_class=HTMLResponse)
    def show_page() -> str:
        return page

    @app.get("/ledger.json")
    def ledger() -> dict[str, Any]:
        return state.snapshot()

    @app.get("/switches/{system}")
    def read_switch(system: str) -> Switch:
        return state.switch(system)

    @app.put("/switches/{system}")
    def write_switch(system: str, switch: Switch) -> Switch:
        state.set_switch(system, switch)
        return switch

    @app.post("/rules", status_code=201)
    def add_rule(rule: NewRule) -> Rule:
        return state.add_rule(rule)

    @app.delete("/rules/{rule_id}", status_code=204)
    def remove_rule(rule_id: int) -> None:
        state.remove_rule(rule_id)

    @app.post("/reset", status_code=204)
    def reset() -> None:
        state.reset()

    _add_systems(app, state)
    return app


@asynccontextmanager
async def _many_threads(_: FastAPI) -> AsyncIterator[None]:
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield


def _add_systems(app: FastAPI, state: OutsideSystems) -> None:
    @app.api_route("/{system}/{path}", methods=["GET", "POST"])
    def call(
        request: Request,
        system: str,
        path: str,
        body: Annotated[dict[str, Any] | None, Body()] = None,
        idempotency_key: Annotated[str | None, Header()] = None,
        x_trace: Annotated[str | None, Header()] = None,
    ) -> JSONResponse:
        answer = state.call(Call(system, request.method, path, idempotency_key, x_trace, body or {}))
        return JSONResponse(answer.body, answer.status)


class Served:
    """The running service."""

    def __init__(self, state: OutsideSystems, served: serving.Served) -> None:
        self._state, self._served = state, served
        self.url = served.url

    def stop(self) -> None:
        """Set waiting calls free, close the door, and wait until the thread has ended."""
        self._state.close()
        self._served.stop()


def serve(state: OutsideSystems, host: str = ports.LOOPBACK, port: int = 0) -> Served:
    """Serve ``state`` from a thread of its own, on ``port`` or, when that is taken or 0, on a free one."""
    sock = ports.listen(port, host)
    return Served(state, serving.serve(create_app(state), sock, name="outside-systems", grace=STOP_SECONDS))
