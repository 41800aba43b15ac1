"""Approving and rejecting from the command line, and what acts say where the flow then waits (SPEC 2, 8)."""

from __future__ import annotations

import pytest

from tests.support.front import Front

ACCESS = """
workflow: access
app: HR
title: "Access for {{ request.input.name }}"
nodes:
  before: {function: {name: front.work, args: {folder: FOLDER}, isolation: thread}}
  manager:
    approval: {approvers: [hanna@example.com, vera@example.com], need: any}
    approved: owners
    rejected: refused
  owners:
    approval: {approvers: [omar@example.com, olga@example.com], need: all}
    approved: end
  refused: {end: {status: rejected}}
"""


@pytest.fixture
def waiting(running: Front) -> Front:
    """REQ-1 waits for its manager."""
    file = running.define("access", ACCESS)
    running.out("workflow", "publish", str(file))
    running.submit(workflow="access")
    running.wait_for_step("REQ-1", "manager", "waiting")
    return running


def by(front: Front, person: str, *words: str) -> str:
    result = front.run("--as", f"{person}@example.com", *words)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_each_answer_says_what_the_request_waits_for_then_and_the_last_that_it_is_done(waiting: Front):
    said = by(waiting, "hanna", "approve", "REQ-1", "manager", "--reason", "she needs it")
    owners = "REQ-1 is In progress: owners waits for each of omar@example.com, olga@example.com to answer.\n"

    assert said == owners
    assert by(waiting, "olga", "approve", "REQ-1", "owners") == owners
    assert by(waiting, "omar", "approve", "REQ-1", "owners") == "REQ-1 is Completed.\n"

    events = [event for event in waiting.json("show", "REQ-1")["events"] if event["kind"] == "approved"]
    assert [(event["by"], event["door"], event["reason"]) for event in events] == [
        ("hanna@example.com", "cli", "she needs it"),
        ("olga@example.com", "cli", None),
        ("omar@example.com", "cli", None),
    ]


def test_a_rejection_leaves_by_its_path(waiting: Front):
    assert by(waiting, "vera", "reject", "REQ-1", "manager", "--reason", "no") == "REQ-1 is Rejected.\n"


def test_a_rejection_without_a_path_blocks(waiting: Front):
    by(waiting, "vera", "approve", "REQ-1", "manager", "--no-wait")
    waiting.wait_for_step("REQ-1", "owners", "waiting")

    result = waiting.run("--as", "omar@example.com", "reject", "REQ-1", "owners", "--reason", "not mine")

    assert result.exit_code == 1
    assert result.stdout.startswith("REQ-1 is Blocked. owners is blocked: omar@example.com rejected it: not mine")


def test_only_those_who_are_named_may_answer_and_only_what_waits(waiting: Front):
    refused = "You are not among those who may answer manager: hanna@example.com, vera@example.com."

    assert refused in waiting.refused("--as", "omar@example.com", "approve", "REQ-1", "manager")
    assert "only approvals can be approved" in waiting.refused("approve", "REQ-1", "before")
    assert "There is no step nobody" in waiting.refused("approve", "REQ-1", "nobody", code=4)
    assert "There is no request REQ-9" in waiting.refused("reject", "REQ-9", "manager", code=4)
    by(waiting, "hanna", "approve", "REQ-1", "manager")
    late = waiting.refused("--as", "vera@example.com", "reject", "REQ-1", "manager")
    assert "manager of REQ-1 is now completed. hanna@example.com approved at" in late


def test_approvers_that_are_sensitive_show_at_no_door(running: Front):
    text = ACCESS.replace("[hanna@example.com, vera@example.com]", '["{{ request.input.name }}"]')
    file = running.define("access", f"{text}sensitive: [request.input.name]\n")
    running.out("workflow", "publish", str(file))
    running.submit("boss@example.com", workflow="access")
    running.wait_for_step("REQ-1", "manager", "waiting")

    said = [
        running.out("step", "REQ-1", "manager"),
        running.out("flow", "REQ-1", "manager"),
        running.out("show", "REQ-1"),
        running.out("show", "REQ-1", "--json"),
        running.refused("approve", "REQ-1", "manager"),
    ]
    assert "manager waits for ••• to answer" in said[0] and "among those who may answer manager: •••" in said[-1]
    assert not [text for text in said if "boss@" in text]
    assert "each of omar@example.com" in by(running, "boss", "approve", "REQ-1", "manager")
