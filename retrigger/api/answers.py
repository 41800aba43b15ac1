"""Answers, and how the API's description tells them."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from retrigger.api.problems import MEDIA_TYPE

_DESCRIPTIONS = {
    400: "The body cannot be read, or is no JSON; line and column are given.",
    401: "No API key came with the call, or one that is not known or was revoked.",
    403: "A permission is missing; it and the application are named.",
    404: "There is no such request, step, workflow, version or address.",
    409: "A rule forbids it now, somebody was first, the plan changed, or a confirmation is needed. Nothing was done.",
    413: "It is over the size limit.",
    415: "The body is not sent as JSON.",
    422: "Something in the call is wrong; the field is named. Or the Idempotency-Key was used for something else.",
    500: "What is stored cannot be read, or a defect of Retrigger.",
    503: "The database cannot be used now. Try again.",
}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"headers": {"WWW-Authenticate": {"description": "Bearer", "schema": {"type": "string"}}}},
    503: {"headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}},
}
REPLAYED = "Idempotency-Replayed"
_REPLAYED_HEADER = {
    REPLAYED: {
        "description": '"true": this was done before, with the same Idempotency-Key, and was not done again.',
        "schema": {"type": "string", "const": "true"},
    }
}
PROBLEM_SCHEMA = {"$ref": "#/components/schemas/Problem"}
Responses = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Responses:
    """What the description says of these statuses, and of those that any route may answer."""
    told: Responses = {}
    for status in (*statuses, 500):
        told[status] = {
            "description": _DESCRIPTIONS[status],
            "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}},
            **_HEADERS.get(status, {}),
        }
    return told


def repeatable(status: int, description: str) -> Responses:
    """The success of a call that takes an Idempotency-Key."""
    return {status: {"description": description, "headers": _REPLAYED_HEADER}}


def answer(model: BaseModel, status: int = 200, *, replayed: bool = False, location: str | None = None) -> Response:
    """``model`` as JSON, written here, in the route's thread. ASCII: half a surrogate pair is no UTF-8."""
    headers = {"Cache-Control": "no-store"}
    if replayed:
        headers[REPLAYED] = "true"
    if location:
        headers["Location"] = location
    content = json.dumps(model.model_dump(mode="json"), separators=(",", ":"))
    return Response(content, status, headers, "application/json")
