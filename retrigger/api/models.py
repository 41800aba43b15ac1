"""What the API takes and gives beyond the engine's own documents. Its OpenAPI is made from these (SPEC 8)."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Header, Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from engine.commands.documents import RequestSummary
from engine.commands.workflow_documents import WorkflowDocument
from engine.limits import MAX_KEY_CHARS, MAX_REASON_CHARS, MAX_TITLE_CHARS
from engine.rules.allowed import Action
from engine.rules.decide.act import Accepted
from engine.rules.plan import Key, Plan
from engine.states import CallEffect, RequestStatus

KEY_HEADER = "Idempotency-Key"
_KEY = rf"[!-~]{{1,{MAX_KEY_CHARS}}}"
_REQUEST = r"^(REQ-)?[0-9]{1,15}$"
_INT = 2**31 - 1  # what a column of versions holds

SUBMIT_KEY_HELP = "Makes it safe to repeat: with the same key, it gives the request that it made before."
ACT_KEY_HELP = "Makes it safe to repeat: the same call again changes nothing and is answered alike. Yours to choose."


def _key(text: str) -> str:
    if not re.fullmatch(_KEY, text):
        raise PydanticCustomError("key", f"Write 1 to {MAX_KEY_CHARS} visible ASCII characters, and no space")
    return text


def _number(value: object) -> int:
    if not isinstance(value, str) or not re.fullmatch(_REQUEST, value, re.ASCII):
        raise PydanticCustomError("request", "Write REQ-42, or 42")
    return int(value.removeprefix("REQ-"))


def _whole(value: object) -> object:
    """To JSON, 2.0 is the same number as 2; to a program that counts in floats, too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_Version = Annotated[int, Field(ge=1, le=_INT), BeforeValidator(_whole)]
_KeyText = (
    Annotated[
        str,
        AfterValidator(_key),
        WithJsonSchema({"type": "string", "maxLength": MAX_KEY_CHARS, "pattern": "^[!-~]+$"}),
    ]
    | None
)
RequestNumber = Annotated[
    int,
    Path(description="REQ-42, or 42."),
    BeforeValidator(_number),
    WithJsonSchema({"type": "string", "pattern": _REQUEST, "examples": ["REQ-42"]}),
]
Node = Annotated[str, Path(description="The step: the name of its node.", max_length=200)]
SubmitKey = Annotated[_KeyText, Header(alias=KEY_HEADER, description=SUBMIT_KEY_HELP)]
ActKey = Annotated[_KeyText, Header(alias=KEY_HEADER, description=ACT_KEY_HELP)]
_REASON_HELP = "Why; it is kept with the act."
_Reason = Annotated[str | None, Field(max_length=MAX_REASON_CHARS, description=_REASON_HELP)]
_Expected = Annotated[
    _Version | None,
    Field(description="The step's version that was seen. When it is another, nothing is done: 409."),
]
_ExpectedRevision = Annotated[
    _Version | None,
    Field(description="The request's revision that was seen. When it is another: 409."),
]
_Digest = Annotated[
    str | None,
    Field(
        max_length=100, description="That of the plan that was seen. When it is another by now: 409 with the new plan."
    ),
]
_Confirmed = Annotated[
    bool, Field(description='"The earlier call may have taken effect" is confirmed; needs a reason with it.')
]


class _Body(BaseModel):
    """A body of a call. A member that it does not have is an error: it would be meant for something."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _tell_reason(schema: dict[str, Any]) -> None:
    """The engine's rule, as the description tells it: only a plan goes without."""
    told = {"type": "string", "maxLength": MAX_REASON_CHARS, "pattern": r"\S", "description": _REASON_HELP}
    schema["properties"]["reason"] = told
    schema["required"] = ["reason"]


class NewRequestBody(_Body):
    """A request to start."""

    input: Any = Field({}, description="What the request is about, as the workflow's input_schema wants it.")
    requester: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_TITLE_CHARS,
        description="Whose request it is: a mail address, or a name. Left out, the key's own name.",
    )


_BOTH: JsonDict = {"flow": {"const": True}, "update_status": {"const": True}}


class RetriggerBody(_Body):
    """Re-trigger a step, alone or with the flow behind it."""

    model_config = ConfigDict(json_schema_extra={"not": {"properties": _BOTH, "required": [*_BOTH]}})

    flow: bool = Field(False, description="Re-trigger step and flow. Without it, this step only.")
    update_status: bool = Field(
        False, description="Allow the workflow status to be updated. Only without flow, which always updates it."
    )
    reason: _Reason = None
    version: _Version | None = Field(None, description="Go on with this version of the workflow.")
    new_key: bool = Field(False, description="Let the call leave under a new idempotency key.")
    confirmed: _Confirmed = False
    expect_version: _Expected = None
    plan_digest: _Digest = None


class InputBody(_Body):
    """A blocked step's result, provided by hand."""

    result: Any = Field(description="Any JSON that matches the node's result_schema.")
    reason: _Reason = None
    confirmed: _Confirmed = False
    expect_version: _Expected = None
    plan_digest: _Digest = None


class ContinueBody(_Body):
    """Go on behind what is held, or mend what was lost."""

    reason: _Reason = None
    confirmed: _Confirmed = False
    expect_version: _ExpectedRevision = None
    plan_digest: _Digest = None


class WithdrawBody(_Body):
    """End a request. The reason may be left out with `?plan=true`."""

    model_config = ConfigDict(json_schema_extra=_tell_reason)

    reason: _Reason = None
    expect_version: _ExpectedRevision = None
    plan_digest: _Digest = None


class AnswerBody(_Body):
    """Approve or reject."""

    reason: _Reason = None
    expect_version: _Expected = None


class Submitted(BaseModel):
    """The request that was made."""

    id: str = Field(examples=["REQ-42"])


class AcceptedAct(BaseModel):
    """An act that is stored; an engine carries it out. ``step_version`` and ``attempt`` are the step's after it."""

    id: str = Field(examples=["REQ-42"])
    node: str | None = None
    status: RequestStatus
    step_version: int | None = None
    attempt: int | None

    @classmethod
    def of(cls, accepted: Accepted) -> AcceptedAct:
        return cls(
            id=f"REQ-{accepted.request_id}",
            node=accepted.node,
            status=accepted.status,
            step_version=accepted.step_version,
            attempt=accepted.attempt,
        )


class CalledBack(BaseModel):
    """The step that took the call."""

    id: str = Field(examples=["REQ-42"])
    node: str


class PlannedStepDocument(BaseModel):
    """A step that would run."""

    node: str
    kind: str
    sure: bool = Field(description="False: it depends on a decision or an outcome before it.")
    earlier: CallEffect | None = Field(description="What its last call is known to have done.")
    repeats: bool = Field(description="A call that may have taken effect would be made again under a new key.")
    key: Key | None = Field(description="Under which idempotency key its call would leave; null: it calls nothing.")


class PlanDocument(BaseModel):
    """What an act would do. Nothing was done."""

    id: str = Field(examples=["REQ-42"])
    action: Action
    node: str | None = None
    step_version: int | None = None
    status: RequestStatus
    runs: list[PlannedStepDocument]
    stops: list[str] = Field(description="Steps under way or blocked that it would cancel or take back.")
    needs_confirmation: bool = Field(description="It needs confirmed, with a reason.")
    needs_reason: bool = Field(description="It needs a reason, confirmed or not.")
    plan_digest: str = Field(description="Send it with the act, and nothing else than this plan is carried out.")

    @classmethod
    def of(cls, plan: Plan) -> PlanDocument:
        return cls(
            id=f"REQ-{plan.request_id}",
            action=plan.action,
            node=plan.node,
            step_version=plan.step_version,
            status=plan.status,
            runs=[PlannedStepDocument(**run._asdict()) for run in plan.runs],
            stops=list(plan.stops),
            needs_confirmation=plan.needs_confirmation,
            needs_reason=plan.needs_reason,
            plan_digest=plan.digest,
        )


class RequestPage(BaseModel):
    """Requests, newest first."""

    requests: list[RequestSummary]
    cursor: str | None = Field(description="Send it to get the next page; null: this is the last one.")


class WorkflowList(BaseModel):
    """The workflows whose application the key may submit to, or see."""

    workflows: list[WorkflowDocument]
