"""The Progress Path in a terminal: every mark a step can carry, at the width of a window and without one."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from engine import events
from engine.commands.documents import AttemptDocument, EventDocument, RequestDocument, StepDocument
from engine.rules.allowed import Action
from engine.states import AttemptKind, AttemptOutcome, CallEffect, RequestStatus, StepStatus
from retrigger.cli.path import show_path
from retrigger.cli.words import age, attempts, clock

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def attempt(number: int, kind: str = "initial", **facts: Any) -> AttemptDocument:
    given = {
        "number": number, "kind": AttemptKind(kind), "visit": 1, "outcome": AttemptOutcome.FAILED, "error": None,
        "call": None, "idempotency_key": None, "workflow_version": 1, "worker": "w", "started_at": NOW,
        "ended_at": NOW, "by": None, "actor": None, "did": None, "acted_at": None, "door": None, "reason": None,
        "late": None,
    }  # fmt: skip
    return AttemptDocument(**{**given, **facts})


def step(node: str, status: StepStatus = StepStatus.COMPLETED, *made: AttemptDocument, **facts: Any) -> StepDocument:
    given = {
        "node": node, "kind": "action", "status": status, "version": 1, "visit": 1, "stale": False, "held": False,
        "result": None, "error": None, "call": None, "retries": 0, "recoveries": 0, "due_at": None, "wakes_at": None,
        "outlet": None, "approvers": (), "approved": (), "need": None, "part_of": None, "actions": (),
        "attempts": made,
    }  # fmt: skip
    return StepDocument(**{**given, **facts})


def request(*steps: StepDocument, **facts: Any) -> RequestDocument:
    given = {
        "id": "REQ-42", "workflow": "onboarding", "version": 1, "app": "HR", "title": "Onboard Ada",
        "status": RequestStatus.BLOCKED, "reason": None, "requester": "ada@example.com", "revision": 3,
        "created_at": NOW - timedelta(minutes=4), "updated_at": NOW, "input": {}, "actions": (), "steps": steps,
        "blocked_at": None, "events": (), "blocked": tuple(s.node for s in steps if s.status is StepStatus.BLOCKED),
    }  # fmt: skip
    return RequestDocument(**{**given, **facts})


def shown(document: RequestDocument, width: int = 100, variables: str | None = None) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    show_path(console, document, NOW, variables)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"error": "503", "status": StepStatus.BLOCKED}, "503"),
        (
            {"call": CallEffect.UNKNOWN, "status": StepStatus.BLOCKED},
            "The last call: unknown; it may have taken effect.",
        ),
        ({"held": True}, "Held: nothing behind it starts until Continue flow."),
        ({"stale": True}, "Stale: it ran before an earlier step was re-triggered alone."),
        ({"status": StepStatus.WAITING, "due_at": NOW + timedelta(seconds=2)}, "Next try at "),
        ({"status": StepStatus.WAITING, "kind": "callback"}, "Waits for a call from outside."),
        (
            {"status": StepStatus.WAITING, "kind": "approval", "approvers": ("a@b.c", "@hr"), "need": "any"},
            "Waits for the approval of a@b.c or @hr.",
        ),
        (
            {
                "status": StepStatus.WAITING,
                "kind": "approval",
                "approvers": ("a@b.c", "@hr"),
                "need": "all",
                "approved": ("@hr",),
                "wakes_at": NOW,
            },
            "Waits for the approval of each of a@b.c, @hr (@hr did), until ",
        ),
        (
            {"attempts": (attempt(1), attempt(2, "retrigger", by="Hanna Lead", did="re-triggered", reason="mended"))},
            "Re-triggered by Hanna Lead, ",
        ),
        ({"attempts": (attempt(1, "provided_input", by="Omar"),)}, "Input provided by Omar, "),
        (
            {"attempts": (attempt(1, late="{}"),)},
            "Attempt 1 answered late: kept as evidence, nothing changed.",
        ),
    ],
)
def test_each_mark_has_its_line(facts: dict[str, Any], line: str):
    status = facts.pop("status", StepStatus.COMPLETED)

    text = shown(request(step("first", status).model_copy(update=facts), step("last")))

    assert f"  │   {line}" in text


@pytest.mark.parametrize("status", list(StepStatus))
def test_every_status_is_shown(status: StepStatus):
    assert status.label in shown(request(step("first", status)))


@pytest.mark.parametrize("width", [40, 80])
def test_nothing_is_wider_than_the_window_but_what_is_to_be_pasted(width: int):
    long = "identity answered 503 Service Unavailable, " * 10 + "x" * 200
    blocked = step("create_account", StepStatus.BLOCKED, attempt(1), error=long)
    document = request(blocked, step("n" * 60), title="Onboard " + "äöü 日本語 " * 40)

    for line in shown(document, width).splitlines():
        assert cell_len(line) <= width


def test_an_act_has_its_own_time_however_long_nothing_ran_it():
    acted = {"by": "Hanna Lead", "did": "re-triggered", "acted_at": NOW - timedelta(hours=2)}
    made = attempt(1, "retrigger", started_at=NOW, ended_at=NOW, **acted)
    assert f"Re-triggered by Hanna Lead, {clock(NOW - timedelta(hours=2), NOW)}" in shown(
        request(step("first", StepStatus.COMPLETED, made))
    )


def test_a_re_trigger_that_no_worker_has_begun_has_its_tag():
    facts = dict.fromkeys(("actor", "door", "data"))
    begun = EventDocument(at=NOW, kind=events.RETRIGGERED, node="first", attempt=1, by="Omar Ops", reason=None, **facts)
    waits = begun.model_copy(
        update={"kind": events.RETRIGGERED_FLOW, "attempt": 2, "by": "Hanna Lead", "reason": "mended"}
    )
    text = shown(request(step("first", StepStatus.READY, attempt(1)), events=(begun, waits)))
    assert f"Re-triggered step and flow by Hanna Lead, {clock(NOW, NOW)}: mended; no attempt yet" in text
    assert "Omar" not in text


@pytest.mark.parametrize(
    ("ran", "told"),
    [
        ([2, 2], ""),
        ([], ""),
        ([1], "Ran version 1"),
        ([1, 2], "Attempt 1 ran version 1, attempt 2 version 2"),
        ([1, 1, 1, 2, 1, 1], "Attempts 1 to 3 ran version 1, attempt 4 version 2, attempts 5 to 6 version 1"),
    ],
)
def test_the_versions_that_attempts_ran_are_told_where_they_are_not_the_requests(ran: list[int], told: str):
    made = [attempt(number, workflow_version=version) for number, version in enumerate(ran, 1)]
    lines = shown(request(step("first", StepStatus.FAILED, *made), version=2)).splitlines()
    assert [line.strip("│ ") for line in lines if "ran version" in line.lower()] == ([told] if told else [])


def test_commands_to_paste_are_whole_lines_at_any_width(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.argv", ["retrigger"])
    may = (Action.RETRIGGER, Action.FLOW, Action.INPUT)
    blocked = step("create_account", StepStatus.BLOCKED, actions=may)
    document = request(blocked, actions=(Action.CONTINUE, Action.WITHDRAW))

    lines = shown(document, 30, "export X=1").splitlines()[-6:]

    assert lines == [
        "  export X=1",
        "  retrigger step REQ-42 create_account",
        "  retrigger flow REQ-42 create_account",
        "  retrigger input REQ-42 create_account --json @result.json",
        "  retrigger continue REQ-42",
        "  retrigger withdraw REQ-42 --reason TEXT",
    ]


def test_data_is_never_taken_for_markup_or_obeyed():
    text = shown(request(step("first", StepStatus.BLOCKED, error="[/red] \x1b[2J :boom:"), title="[bold]x[/bold]"))

    assert "[bold]x[/bold]" in text
    assert "[/red] [2J :boom:" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ([], ""),
        (["initial"], ""),
        (["retrigger"], "1 attempt: re-trigger"),
        (["initial", "retry", "retry"], "3 attempts: initial, 2 retries"),
        (["initial", "recovery", "provided_input"], "3 attempts: initial, recovery, input by hand"),
        (["initial", "initial"], "2 attempts: 2 initial runs"),
    ],
)
def test_attempts_are_summed_up(kinds: list[str], said: str):
    assert attempts([attempt(number, kind) for number, kind in enumerate(kinds, 1)]) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "just now"), (9, "just now"), (59, "59 s ago"), (60, "1 min ago"), (7200, "2 h ago"), (200_000, "2 d ago")],
)
def test_ages(seconds: float, said: str):
    assert age(NOW - timedelta(seconds=seconds), NOW) == said


def test_times_of_other_days_have_their_date():
    assert "2025" in clock(NOW - timedelta(days=400), NOW)
    assert clock(NOW - timedelta(days=40), NOW).startswith("14 Oct, ")
    assert len(clock(NOW, NOW)) == len("12:00:00")


def test_why_it_is_blocked_is_told_where_no_step_says_so():
    held = step("create_account", held=True)
    reason = "remaining steps not started"
    assert reason in shown(request(held, reason=reason, actions=(Action.CONTINUE,)))
