"""Masking of a whole document: sensitive values disappear, the document's own words and numbers stay."""

from __future__ import annotations

import pytest

from engine.catalog import Catalog
from engine.commands.reading import read_document
from engine.definition import load
from engine.records import Attempt, AttemptEnd, Event, Request, Step, Trigger
from engine.states import AttemptKind, AttemptOutcome, CallEffect, RequestStatus, StepStatus
from engine.stored import AttemptDetail, RequestDetail, StepDetail, StoredWorkflow
from engine.texts import MASK
from engine.values.strict_json import dumps

WORKFLOW = """
workflow: pay
app: HR
sensitive: [request.input.pin]
nodes:
  pay: {action: {connection: bank, method: POST, path: /pay, body: {pin: "{{ request.input.pin }}"}}}
"""


def detail(pin: str) -> RequestDetail:
    trigger = Trigger("Hanna", "slack:T1/U1", "slack", "re-triggered", "pay", 2.0, f"it was {pin}", f"no {pin}")
    step = Step(
        1, "pay", "action", StepStatus.BLOCKED, 3, attempt=1, error=f"bank says {pin} is wrong", trigger=trigger
    )
    started = Attempt(1, "pay", 1, AttemptKind.RETRIGGER, 1, 1, "w", 1.0, trigger)
    ended = AttemptEnd(1, "pay", 1, AttemptOutcome.FAILED, 2.0, f"no {pin}", CallEffect.REJECTED)
    event = Event(1, "step_blocked", 2.0, "pay", 1, reason=f"{pin}!", data={"call": "rejected", "error": f"no {pin}"})
    request = Request(1, "pay", 1, "HR", RequestStatus.BLOCKED, f"pay: no {pin}", "a@example.com", True, 2, 1.0, 2.0)
    return RequestDetail(
        request,
        f"Pay with {pin}",
        dumps({"pin": pin, "sum": 3}),
        (StepDetail(step, None),),
        (AttemptDetail(started, "key", ended),),
        (event,),
        3.0,
    )


@pytest.mark.parametrize("pin", ["9731-secret", "blocked", "action", "rejected", "pay", "77"])
def test_a_sensitive_value_shows_nowhere_and_the_document_stays_whole(pin: str) -> None:
    document = load(WORKFLOW, "pay.yaml").document()
    catalog = Catalog(lambda name, version: StoredWorkflow("pay", 1, "HR", document, "d", 0.0))
    shown = read_document(detail(pin), catalog, frozenset())
    step = shown.steps[0]
    assert shown.input == {"pin": MASK, "sum": 3}
    assert (shown.status, step.status, step.node, step.kind) == ("blocked", "blocked", "pay", "action")
    free = [shown.title, shown.reason, step.error, step.attempts[0].error, step.attempts[0].reason]
    free += [shown.events[0].reason, (shown.events[0].data or {})["error"]]
    assert all(pin not in (text or "").replace("pay: ", "").replace("Pay", "") for text in free), free


def test_a_requester_who_is_a_sensitive_value_is_masked_and_who_acted_is_named() -> None:
    document = load(WORKFLOW, "pay.yaml").document()
    catalog = Catalog(lambda name, version: StoredWorkflow("pay", 1, "HR", document, "d", 0.0))
    found = detail("Hanna")
    found = found._replace(request=found.request._replace(requester="Hanna"))
    shown = read_document(found, catalog, frozenset())
    assert (shown.requester, shown.steps[0].attempts[0].by) == (MASK, "Hanna")
