"""A workflow of three actions, and what tests read of its first step."""

from __future__ import annotations

from engine.commands.documents import RequestDocument, StepDocument
from tests.support.engine import Room

ONBOARDING = """
workflow: onboarding
app: HR
title: "Onboard {{ request.input.name }}"
nodes:
  account:
    action:
      connection: identity
      method: POST
      path: /accounts
      body: {email: "{{ request.input.email }}", name: "{{ request.input.name }}"}
      expect: {status: [200, 201], schema: {type: object, required: [id]}}
      timeout: 10s
      retry: {times: 2, interval: 0.01s, backoff: 1}
  desk:
    action:
      connection: facilities
      method: POST
      path: /desks
      body: {account: "{{ nodes.account.result.id }}"}
      timeout: 10s
  welcome:
    action: {connection: mail, method: POST, path: /send, body: {to: "{{ request.input.email }}"}}
"""
WITH_FAILURE_PATH = (
    ONBOARDING.replace("  desk:\n", "    on_failure: tell_it\n  desk:\n", 1)
    + """    next: end
  tell_it:
    action: {connection: mail, method: POST, path: /send, body: {to: it@example.com}}
    next: failed_end
  failed_end: {end: {status: failed}}
"""
)
HASTY = ONBOARDING.replace("timeout: 10s", "timeout: 0.3s", 1)  # for the tests whose outside system hangs
ADA = {"name": "Ada", "email": "ada@example.com"}


def story(step: StepDocument) -> list[tuple[str, str | None, str | None]]:
    """Kind, outcome and effect of each attempt."""
    return [(a.kind.value, a.outcome and a.outcome.value, a.call and a.call.value) for a in step.attempts]


def keys_of(step: StepDocument) -> list[str | None]:
    return [attempt.idempotency_key for attempt in step.attempts]


def account_of(document: RequestDocument) -> StepDocument:
    step = document.step("account")
    assert step is not None
    return step


def blocked_account(room: Room) -> int:
    number = room.submit("onboarding", ADA)
    room.wait(number, "blocked")
    return number
