"""The whole API, put together."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from anyio import to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from bot.http_mode import HttpReceiver
from engine.errors import RetriggerError
from retrigger.api import acts, callbacks, health, requests
from retrigger.api.health import Monitor
from retrigger.api.openapi import describe
from retrigger.api.problems import FieldProblem, invalid, of_status, problem_of, respond
from retrigger.api.reading import BodyLimit
from retrigger.api.slack import slack_router
from retrigger.api.tracing import HEADER, Tracing
from retrigger.wiring import App

THREADS = 16  # calls that are carried out at once; each may take a connection of the database
_SUMMARY = "Start requests, see them, act on blocked steps: the same commands as in Slack, refused by the same rules."


def create_api(app: App, receiver: HttpReceiver | None = None, *, only_slack: bool = False) -> FastAPI:
    """The API over what ``app`` has open. ``receiver`` takes Slack's calls; with ``only_slack`` nothing else is served
    but what monitors ask."""
    api = FastAPI(
        title="Retrigger",
        version=version("retrigger"),
        summary=_SUMMARY,
        openapi_url=None,  # served below: FastAPI would make it on the event loop, at the first call
        docs_url=None,  # its page would come from the internet
        redoc_url=None,
        redirect_slashes=False,  # it would send on by the Host that the caller names, and without the proxy's TLS
        lifespan=_few_threads,
        generate_unique_id_function=lambda route: route.name,
    )
    api.state.engine = app.engine
    api.state.monitor = Monitor(app)
    api.include_router(health.router)
    if receiver is not None:
        api.include_router(slack_router(receiver))
    for router in () if only_slack else (requests.router, acts.router, callbacks.router):
        api.include_router(router)
    api.add_middleware(BodyLimit)
    api.add_middleware(Tracing)
    _add_handlers(api)
    # Made now, and with it what FastAPI and pydantic know of each route: made by the first calls, in several threads at
    # once, it lets warnings through that FastAPI hides by a filter which all threads share.
    described = json.dumps(describe(api, app.settings.api.public_url))

    @api.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return Response(described, media_type="application/json")

    return api


@asynccontextmanager
async def _few_threads(_: FastAPI) -> AsyncIterator[None]:
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield


def _add_handlers(api: FastAPI) -> None:
    @api.exception_handler(RetriggerError)
    def refused(_: Request, error: RetriggerError) -> Response:
        """In a thread, as it is no coroutine: some sentences look for the likest of thousands of names."""
        return respond(problem_of(error))

    @api.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> Response:
        return respond(invalid(_told(error.errors())))

    @api.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        return respond(of_status(error.status_code), error.headers)

    @api.exception_handler(Exception)
    async def defect(request: Request, error: Exception) -> Response:
        """uvicorn logs it, with the traceback, which is for nobody else."""
        problem = problem_of(RetriggerError("Something went wrong in Retrigger. Its log says what."))
        return respond(problem, {HEADER: request.state.trace})


def _told(errors: Sequence[Any]) -> list[FieldProblem]:
    """pydantic's errors without what was typed, which may be a secret."""
    told = []
    for error in errors:
        source, *place = error["loc"]
        field = ".".join(map(str, place)) or str(source)
        no_body = error["type"] == "missing" and field == "body"
        detail = "A JSON object is required, such as {}" if no_body else str(error["msg"])
        told.append(FieldProblem(field=field[:200], detail=detail))
    return told
