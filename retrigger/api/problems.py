"""Problem documents (RFC 9457): what each error is called over HTTP, with its facts as members."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from engine.commands.documents import iso
from engine.errors import (
    CallbackRefused,
    CannotBeRead,
    ConfirmationNeeded,
    Conflict,
    InputTooLarge,
    InvalidInput,
    KeyReused,
    NotAnApprover,
    NotFound,
    NotPermitted,
    PlanChanged,
    Refused,
    RetriggerError,
    SelfAction,
    StorageError,
    UnknownKey,
)
from engine.values.strict_json import InvalidJson
from retrigger.api.models import PlanDocument

MEDIA_TYPE = "application/problem+json"
_TYPES = "urn:retrigger:"  # names, not addresses: there is nothing to fetch
RETRY_AFTER = 5  # seconds until a database that is away is worth another try


class BadBody(RetriggerError):
    """The body is not what a call can be read from."""


class WrongMedia(RetriggerError):
    """The body is said to be something else than JSON."""


class FieldProblem(BaseModel):
    """One of several things that are wrong with a call."""

    field: str
    detail: str


class Problem(BaseModel):
    """What went wrong. ``type`` is what a program looks at, ``detail`` what a person reads; the other members are the
    facts that this type has."""

    model_config = ConfigDict(json_schema_extra={"description": "A problem document (RFC 9457)."})

    type: str = Field(examples=[f"{_TYPES}conflict"])
    title: str
    status: int
    detail: str
    field: str | None = Field(None, description="422: what is wrong; the first of them.")
    errors: list[FieldProblem] | None = Field(None, description="422: everything that is wrong.")
    line: int | None = Field(None, description="Where the JSON is wrong, from 1.")
    column: int | None = None
    permission: str | None = Field(None, description="403: the permission that is missing.")
    application: str | None = Field(None, description="403: the application that it is missing for.")
    ask: list[str] | None = Field(None, description="403: who can grant it, or who may answer instead.")
    node: str | None = Field(None, description="The step that it is about.")
    request: str | None = Field(None, description="The request that it is about.")
    what: str | None = Field(None, description="409: what is not as expected. 404: what kind of thing is missing.")
    name: str | None = Field(None, description="404: which one.")
    found: str | None = Field(None, description="409: the state that it is in now.")
    by: str | None = Field(None, description="409: who was first.")
    at: str | None = Field(None, description="409: when, ISO 8601 in UTC.")
    did: str | None = Field(None, description="409: what they did.")
    nodes: list[str] | None = Field(None, description="409: the steps whose calls may have taken effect.")
    plan: PlanDocument | None = Field(None, description="409: what the act would run now.")


class _Kind(NamedTuple):
    """How a class of errors is told. ``facts`` gives the members beyond the five of the RFC."""

    status: int
    name: str
    title: str
    facts: Callable[[Any], Mapping[str, Any]] = lambda error: {}


def _conflict(error: Conflict) -> Mapping[str, Any]:
    at = None if error.at is None else iso(error.at)
    return {"what": error.what, "found": error.found, "by": error.by, "at": at, "did": error.did}


def _permission(error: NotPermitted) -> Mapping[str, Any]:
    return {"permission": error.permission, "application": error.app, "ask": list(error.ask)}


def _place(error: InvalidJson) -> Mapping[str, Any]:
    return {"line": error.line, "column": error.column}


def _of_request(error: Any) -> Mapping[str, Any]:
    return {"request": f"REQ-{error.request_id}"}


# The nearest class of an error counts: what derives from another is told as itself.
KINDS: dict[type[RetriggerError], _Kind] = {
    UnknownKey: _Kind(401, "unknown-key", "No valid API key"),
    NotPermitted: _Kind(403, "not-permitted", "A permission is missing", _permission),
    NotAnApprover: _Kind(
        403, "not-an-approver", "Only named people may answer", lambda e: {"node": e.node, "ask": list(e.approvers)}
    ),
    SelfAction: _Kind(403, "self-action", "Not on one's own request", _of_request),
    NotFound: _Kind(404, "not-found", "There is no such thing", lambda e: {"what": e.what, "name": str(e.name)}),
    Conflict: _Kind(409, "conflict", "Somebody was first, or it has moved on", _conflict),
    PlanChanged: _Kind(409, "plan-changed", "The plan is another one by now", _of_request),
    ConfirmationNeeded: _Kind(
        409, "confirmation-needed", "A call may have taken effect", lambda e: {"nodes": list(e.nodes)}
    ),
    CallbackRefused: _Kind(409, "callback-refused", "The address is not good any more", lambda e: {"node": e.node}),
    Refused: _Kind(409, "refused", "A rule forbids it now"),
    BadBody: _Kind(400, "bad-body", "The body cannot be read"),
    InvalidJson: _Kind(400, "bad-json", "The body is not JSON as it is taken here", _place),
    InputTooLarge: _Kind(413, "too-large", "Too large"),
    WrongMedia: _Kind(415, "wrong-media", "The body must be JSON"),
    KeyReused: _Kind(422, "key-reused", "The Idempotency-Key was used before", lambda e: {"field": "Idempotency-Key"}),
    InvalidInput: _Kind(422, "invalid-input", "Something in the call is wrong", lambda e: {"field": e.field}),
    CannotBeRead: _Kind(500, "unreadable", "What is stored cannot be read"),
    StorageError: _Kind(503, "storage", "The database cannot be used now"),
    RetriggerError: _Kind(500, "defect", "A defect of Retrigger"),
}
_HEADERS: dict[int, dict[str, str]] = {
    401: {"WWW-Authenticate": 'Bearer realm="retrigger"'},
    413: {"Connection": "close"},  # the rest of the body is not read
    503: {"Retry-After": str(RETRY_AFTER)},
}


def problem_of(error: RetriggerError, **more: Any) -> Problem:
    """The document for an error; ``more`` members that the error itself does not know."""
    kind = next(KINDS[each] for each in type(error).__mro__ if each in KINDS)
    facts = {**kind.facts(error), **more}
    return Problem(type=_TYPES + kind.name, title=kind.title, status=kind.status, detail=str(error), **facts)


def invalid(errors: Sequence[FieldProblem]) -> Problem:
    """The document for a call that does not have the form that the API's description says."""
    kind = KINDS[InvalidInput]
    detail = "; ".join(f"{each.field}: {each.detail}" for each in errors[:3])
    told = {"field": errors[0].field, "errors": list(errors)} if errors else {}
    return Problem(type=_TYPES + kind.name, title=kind.title, status=kind.status, detail=f"{detail}.", **told)


def of_status(status: int) -> Problem:
    """The document for what HTTP itself says, such as 404 for a path that is nowhere."""
    phrase = HTTPStatus(status)
    return Problem(
        type="about:blank", title=phrase.phrase, status=status, detail=f"{phrase.description or phrase.phrase}."
    )


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The document as an answer."""
    content = json.dumps(problem.model_dump(mode="json", exclude_none=True))
    all_headers = {**_HEADERS.get(problem.status, {}), "Cache-Control": "no-store", **(headers or {})}
    return Response(content, problem.status, all_headers, MEDIA_TYPE)
