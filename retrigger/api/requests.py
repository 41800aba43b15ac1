"""Workflows and requests: what there is, and starting one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import StringConstraints

from engine.commands.documents import RequestDocument
from engine.commands.workflow_documents import workflow_document
from engine.logs import logger
from engine.states import RequestStatus
from retrigger.api.answers import answer, problems, repeatable
from retrigger.api.models import (
    NewRequestBody,
    RequestNumber,
    RequestPage,
    SubmitKey,
    Submitted,
    WorkflowList,
)
from retrigger.api.reading import Calling, JsonRoute, bearer

MAX_PAGE = 200
_App = Annotated[str, StringConstraints(pattern=r"^[ -~]{1,60}$")] | None
_Cursor = Annotated[str, StringConstraints(pattern=r"^REQ-[0-9]{1,15}$")] | None
_WORKFLOW = r"^[a-z][a-z0-9_-]{0,59}$"

log = logger(__name__)
router = APIRouter(prefix="/v1", route_class=JsonRoute, dependencies=[Depends(bearer)])


@router.get("/workflows", response_model=WorkflowList, responses=problems(401, 422, 503))
def workflows(call: Calling) -> Response:
    """The published workflows of the applications that the key may submit to, or see."""
    found = call.engine.workflows(call.actor)
    return answer(WorkflowList(workflows=[workflow_document(call.engine.catalog, each) for each in found]))


@router.post(
    "/workflows/{name}/requests",
    status_code=201,
    response_model=Submitted,
    responses={
        **repeatable(201, "The request is stored; Location is its address."),
        **problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
    },
)
def submit(
    call: Calling,
    name: Annotated[str, Path(description="The workflow.", pattern=_WORKFLOW)],
    body: NewRequestBody,
    key: SubmitKey = None,
) -> Response:
    """Start a request. Needs Submit for the workflow's application."""
    number, repeated = call.engine.submit(
        call.actor, name, body.input, requester=body.requester, key=call.submit_key(key)
    )
    made = Submitted(id=f"REQ-{number}")
    log.info("request.submitted", request=made.id, workflow=name, repeated=repeated or None)
    return answer(made, 201, replayed=repeated, location=f"/v1/requests/{made.id}")


@router.get("/requests", response_model=RequestPage, responses=problems(401, 403, 422, 503))
def requests(
    call: Calling,
    status: Annotated[RequestStatus | None, Query(description="Only those.")] = None,
    app: Annotated[_App, Query(description="Only those of one application.")] = None,
    cursor: Annotated[_Cursor, Query(description="From the page before.")] = None,
    limit: Annotated[int, Query(description="At most so many.", ge=1, le=MAX_PAGE)] = 50,
) -> Response:
    """Requests, newest first: those of the applications for which the key holds View reports."""
    after = None if cursor is None else int(cursor.removeprefix("REQ-"))
    found = call.engine.documents(call.actor, status=status, app=app, limit=limit + 1, after=after)
    page = call.engine.with_masked_requesters(found[:limit])
    return answer(RequestPage(requests=page, cursor=page[-1].id if len(found) > limit else None))


@router.get("/requests/{id}", response_model=RequestDocument, responses=problems(401, 403, 404, 422, 503))
def request(call: Calling, id: RequestNumber) -> Response:
    """Everything there is to say of a request: its steps, their attempts, and what may be done now."""
    return answer(call.engine.document(call.actor, id))
