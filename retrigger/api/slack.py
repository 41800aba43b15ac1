"""Slack's own calls, where the bot runs in HTTP mode (SPEC 7): they come to the process that serves the API."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Protocol

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response

from bot.http_mode import PATH, Answer
from bot.threads import ARRIVING


class Receiver(Protocol):
    """What takes Slack's calls in (bot.http_mode.HttpReceiver)."""

    def receive(self, body: bytes, headers: Mapping[str, str]) -> Answer: ...


def slack_router(receiver: Receiver) -> APIRouter:
    """The one address for events, clicks, windows and commands. In threads of its own: however slow Slack's calls
    are, nobody else's wait for them. It is Slack's, so it stands not in the description of the API."""
    router = APIRouter()
    threads = CapacityLimiter(ARRIVING)

    @router.post(PATH, include_in_schema=False)
    async def slack_events(request: Request) -> Response:
        body = await request.body()
        receive = partial(receiver.receive, body, request.headers)
        status, content, content_type = await to_thread.run_sync(receive, limiter=threads)
        return Response(content, status, media_type=content_type)

    return router
