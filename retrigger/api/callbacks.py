"""Outside systems call a callback's address; the address itself is the key (SPEC 2, 8)."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from engine.commands.service import Engine
from engine.errors import InvalidInput
from engine.limits import MAX_INPUT_BYTES
from engine.values.strict_json import loads
from retrigger.api.answers import answer, problems
from retrigger.api.models import CalledBack
from retrigger.api.reading import is_json, text_of

router = APIRouter()

_BODY = {"required": False, "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}


async def _read(request: Request) -> bytes:
    return await request.body()


@router.post(
    "/callbacks/{token}",
    status_code=202,
    response_model=CalledBack,
    responses={202: {"description": "The step took the call."}, **problems(400, 404, 409, 413, 422, 503)},
    openapi_extra={"requestBody": _BODY},
)
def call_back(
    request: Request,
    token: Annotated[str, Path(description="As it was given.", max_length=300)],
    body: Annotated[bytes, Depends(_read)],
) -> Response:
    """What is sent becomes the result of the step that gave out this address.

    Nothing is null; what is sent as JSON must be JSON; of anything else a JSON object or list is taken as that, and
    what is none becomes `{"text": "..."}`.
    """
    engine: Engine = request.app.state.engine
    accepted = engine.call_back(token, _as_json(body, request.headers.get("content-type", "")))
    assert accepted.node is not None
    return answer(CalledBack(id=f"REQ-{accepted.request_id}", node=accepted.node), 202)


def _as_json(body: bytes, content_type: str) -> str:
    """JSON text; what says that it is some is the engine's to check. Raises BadBody."""
    if not body:
        return "null"
    if is_json(content_type):
        return text_of(body)
    text = body.decode("utf-8", "replace")
    if isinstance(_loaded(text), dict | list):
        return text
    return json.dumps({"text": text}, ensure_ascii=False)


def _loaded(text: str) -> Any:
    try:
        return loads(text, limit=MAX_INPUT_BYTES)
    except InvalidInput:
        return None
