"""Whoever let a flow run hears what became of the step, and where the flow came to, whatever that is (SPEC 7)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.states import StepStatus
from tests.integration.bot.doors import OMAR
from tests.integration.bot.office import Office

FLOW = """
workflow: ending
app: HR
nodes:
  create_account:
    function: {name: bot.account, args: {name: Ada}, isolation: thread}
    on_failure: sorry
    next: allow
  allow: {approval: {approvers: [omar@example.com]}, approved: badge, rejected: refusal}
  badge: {function: {name: bot.badge, args: {account: "1"}, isolation: thread}, on_failure: broken, next: end}
  broken: {end: {status: failed}}
  refusal: {end: {status: rejected}}
  sorry: {end: {status: failed}}
"""
BLOCKING = FLOW.replace("workflow: ending", "workflow: blocking").replace("    on_failure: sorry\n", "")
RECOVERED = "recovered: ✅ `create_account` completed (attempt 2)."


@pytest.fixture(scope="module")
def module_office(our_office: Office) -> Office:
    our_office.room.publish(FLOW)
    our_office.room.publish(BLOCKING.replace("  sorry: {end: {status: failed}}\n", ""))
    return our_office


def badge_breaks(office: Office, number: int) -> None:
    office.outside.badge_error = "the printer is out of paper"
    office.room.engine.answer(OMAR, number, "allow", True)


def omar_rejects(office: Office, number: int) -> None:
    office.room.engine.answer(OMAR, number, "allow", False, reason="not this year")


def omar_withdraws(office: Office, number: int) -> None:
    office.room.engine.withdraw(OMAR, number, reason="hired elsewhere")


@pytest.mark.parametrize(
    ("then", "status", "end"),
    [
        (badge_breaks, "failed", "the flow has ended. The request is *Failed*."),
        (omar_rejects, "rejected", "the flow has ended. The request is *Rejected*."),
        (omar_withdraws, "withdrawn", "*Omar Ops* withdrew REQ-"),
    ],
)
def test_the_step_recovers_and_the_flow_ends_otherwise(
    office: Office, then: Callable[[Office, int], None], status: str, end: str
) -> None:
    number, card = office.blocked("blocking")
    office.hanna.click(card, "retrigger.flow")
    office.hanna.modal("remaining flow")
    office.outside.error = None
    office.hanna.submit()
    office.room.wait(number, lambda it: (step := it.step("allow")) is not None and step.status is StepStatus.WAITING)
    office.settled()
    assert [line.split(" The request")[0] for line in told(office, number)] == [RECOVERED]
    then(office, number)
    office.room.wait(number, status)
    office.settled()
    lines = told(office, number)
    assert len(lines) == 2 and lines[1].startswith(end), lines
    assert f"The request is *{status.capitalize()}*." in lines[1]


def test_the_step_fails_again_and_its_failure_path_is_the_end(office: Office) -> None:
    number = office.room.submit("ending", {})
    office.room.wait(number, "failed")
    office.hanna.command("C0HR", f"REQ-{number} create_account flow")
    office.hanna.modal("remaining flow")
    office.hanna.submit()
    office.room.wait(number, lambda document: len(document.steps[0].attempts) == 2)
    office.room.wait(number, "failed")
    office.settled()
    (line,) = [text for text in direct(office) if text.startswith(f"REQ-{number}: ")]
    assert "`create_account` failed (attempt 2), and its failure path is taken: bot.account failed" in line
    assert line.endswith("The request is *Failed*.")


def told(office: Office, number: int) -> list[str]:
    """What Hanna was told of the outcome, at the card or directly, without its request."""
    start = f"REQ-{number}: "
    texts = [line for text in [*office.told("U1"), *direct(office)] for line in text.splitlines()]
    return [line.removeprefix(start) for line in texts if line.startswith(start)]


def direct(office: Office) -> list[str]:
    return [message["text"] for message in office.hanna.messages(office.direct("U1"))]
