"""The acts of SPEC 4 over HTTP. With ``?plan=true`` each tells what it would run, and does nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from engine.errors import PlanChanged, Refused
from engine.rules.allowed import Action
from engine.rules.decide.act import Accepted
from engine.rules.plan import Plan
from retrigger.api.answers import Responses, answer, problems, repeatable
from retrigger.api.models import (
    AcceptedAct,
    ActKey,
    AnswerBody,
    ContinueBody,
    InputBody,
    Node,
    PlanDocument,
    RequestNumber,
    RetriggerBody,
    WithdrawBody,
)
from retrigger.api.problems import problem_of, respond
from retrigger.api.reading import Call, Calling, JsonRoute, bearer

router = APIRouter(prefix="/v1/requests/{id}", route_class=JsonRoute, dependencies=[Depends(bearer)])

OnlyPlan = Annotated[bool, Query(alias="plan", description="Tell what it would run, and do nothing: 200.")]
_ANSWERED: Responses = {
    **repeatable(202, "The act is stored, and an engine carries it out."),
    **problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
}
_ANSWERS: Responses = {
    200: {"model": PlanDocument, "description": "The plan, with `?plan=true`. Nothing was done."},
    **_ANSWERED,
}


@router.post("/steps/{node}/retrigger", status_code=202, response_model=AcceptedAct, responses=_ANSWERS)
def retrigger(
    call: Calling, id: RequestNumber, node: Node, body: RetriggerBody, only_plan: OnlyPlan = False, key: ActKey = None
) -> Response:
    """Re-trigger a step, alone or with the flow behind it. Needs Take action."""
    action = Action.FLOW if body.flow else Action.RETRIGGER
    return _carry_out(
        only_plan,
        lambda: call.engine.plan(
            call.actor,
            id,
            action,
            node,
            body.new_key,
            body.version,
            update_status=body.update_status,
            expect_version=body.expect_version,
        ),
        lambda: call.engine.retrigger(call.actor, id, node, **dict(body), command_id=call.command_id(key)),
    )


@router.post("/steps/{node}/input", status_code=202, response_model=AcceptedAct, responses=_ANSWERS)
def provide_input(
    call: Calling, id: RequestNumber, node: Node, body: InputBody, only_plan: OnlyPlan = False, key: ActKey = None
) -> Response:
    """Provide a blocked step's result; nothing is called, and the flow goes on. Needs Take action."""
    text = json.dumps(body.result, ensure_ascii=False)
    return _carry_out(
        only_plan,
        lambda: call.engine.plan(call.actor, id, Action.INPUT, node, expect_version=body.expect_version, text=text),
        lambda: call.engine.provide_input(
            call.actor, id, node, text, **_but(body, "result"), command_id=call.command_id(key)
        ),
    )


@router.post("/steps/{node}/approve", status_code=202, response_model=AcceptedAct, responses=_ANSWERED)
def approve(
    call: Calling, id: RequestNumber, node: Node, body: AnswerBody | None = None, key: ActKey = None
) -> Response:
    """Approve what waits for it. Only those whom it names may, whatever they were granted. The body may be left out."""
    return _answer(call, id, node, True, body, key)


@router.post("/steps/{node}/reject", status_code=202, response_model=AcceptedAct, responses=_ANSWERED)
def reject(
    call: Calling, id: RequestNumber, node: Node, body: AnswerBody | None = None, key: ActKey = None
) -> Response:
    """Reject it. Only those whom the approval names may, whatever they were granted. The body may be left out."""
    return _answer(call, id, node, False, body, key)


@router.post("/continue", status_code=202, response_model=AcceptedAct, responses=_ANSWERS)
def continue_flow(
    call: Calling,
    id: RequestNumber,
    body: ContinueBody | None = None,
    only_plan: OnlyPlan = False,
    key: ActKey = None,
) -> Response:
    """Go on behind what is held, or mend what was lost. Needs Take action. The body may be left out."""
    said = body or ContinueBody()
    return _carry_out(
        only_plan,
        lambda: call.engine.plan(call.actor, id, Action.CONTINUE, expect_version=said.expect_version),
        lambda: call.engine.continue_flow(call.actor, id, **dict(said), command_id=call.command_id(key)),
    )


@router.post("/withdraw", status_code=202, response_model=AcceptedAct, responses=_ANSWERS)
def withdraw(
    call: Calling, id: RequestNumber, body: WithdrawBody, only_plan: OnlyPlan = False, key: ActKey = None
) -> Response:
    """End a request; what runs of it is fenced off. Needs Take action."""
    return _carry_out(
        only_plan,
        lambda: call.engine.plan(call.actor, id, Action.WITHDRAW, expect_version=body.expect_version),
        lambda: call.engine.withdraw(call.actor, id, **dict(body), command_id=call.command_id(key)),
    )


def _answer(call: Call, id: int, node: str, yes: bool, body: AnswerBody | None, key: str | None) -> Response:
    said = dict(body or AnswerBody())
    accepted = call.engine.answer(call.actor, id, node, yes, **said, command_id=call.command_id(key))
    return answer(AcceptedAct.of(accepted), 202, replayed=accepted.repeated)


def _but(body: InputBody, name: str) -> dict[str, Any]:
    return {member: value for member, value in body if member != name}


def _carry_out(only_plan: bool, plan: Callable[[], Plan], act: Callable[[], Accepted]) -> Response:
    """The plan alone, or the act; where the plan is another one by now, the problem carries it."""
    if only_plan:
        return answer(PlanDocument.of(plan()))
    try:
        accepted = act()
    except PlanChanged as changed:
        try:
            now = PlanDocument.of(plan())
        except Refused:  # the act is not possible any more; the sentence says that the state changed
            return respond(problem_of(changed))
        return respond(problem_of(changed, plan=now))
    return answer(AcceptedAct.of(accepted), 202, replayed=accepted.repeated)
