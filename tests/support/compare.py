"""What the engine's document and the paper say of the same step and act, side by side."""

from __future__ import annotations

from typing import Any

from engine.commands.documents import RequestDocument, StepDocument
from tests.support.paper.acts import Command
from tests.support.paper.state import PaperRequest, PaperStep

_LINES = {
    "retrigger": "retriggered",
    "flow": "retriggered_flow",
    "input": "input_provided",
    "continue": "continued",
    "withdraw": "withdrawn",
}


def told(step: StepDocument) -> dict[str, Any]:
    said: dict[str, Any] = {name: getattr(step, name) for name in ("node", "kind", "visit", "held", "stale")}
    said["status"] = step.status.value
    said["call"] = step.call and step.call.value
    said["budget"] = (step.retries, step.recoveries)
    said["actions"] = [action.value for action in step.actions]
    said["attempts"] = [
        (
            a.number,
            a.kind.value,
            a.visit,
            a.workflow_version,
            a.by,
            a.outcome and a.outcome.value,
            a.call and a.call.value,
            a.idempotency_key is not None,
            a.late is not None,
        )
        for a in step.attempts
    ]
    return said


def expected(paper: PaperRequest, step: PaperStep) -> dict[str, Any]:
    said: dict[str, Any] = {name: getattr(step, name) for name in ("node", "kind", "visit", "held", "stale")}
    said["status"] = step.status
    said["call"] = step.call
    said["budget"] = (step.retries, step.recoveries)
    said["actions"] = paper.step_actions(step)
    said["attempts"] = [
        (a.number, a.kind, a.visit, a.version, a.by, a.outcome, a.call, a.intent is not None, a.late)
        for a in step.tries
    ]
    return said


def apart(node: str, told: dict[str, Any], expected: dict[str, Any]) -> str:
    found = [f"{n}: engine {told[n]}, paper {expected[n]}" for n in told if told[n] != expected[n]]
    return f"{node}: " + "; ".join(found)


def facts(doc: RequestDocument) -> Any:
    """All that a refusal must leave alone."""
    return (doc.status, doc.reason, doc.version, doc.actions, doc.steps)


def check_acts(doc: RequestDocument, old: int, command: Command | None) -> None:
    """One act, one line in the audit, by the one who did it."""
    found = [(e.kind, e.by, e.reason) for e in doc.events[old:] if e.kind in _LINES.values()]
    assert found == ([] if command is None else [(_LINES[command.action], command.by, command.reason)])


def check_history(before: RequestDocument, doc: RequestDocument) -> None:
    """Attempts and events are only added; a step that changed has another version."""
    assert doc.events[: len(before.events)] == before.events
    for old in before.steps:
        step = doc.step(old.node)
        assert step is not None
        for mine, its in zip(old.attempts, step.attempts, strict=False):
            told = {"outcome", "error", "call", "ended_at", "idempotency_key"} if mine.outcome is None else set()
            told |= {"late"} if mine.late is None else set()
            assert mine.model_dump(exclude=told) == its.model_dump(exclude=told)
        assert len(step.attempts) >= len(old.attempts)
        if _acted_on(old) != _acted_on(step):
            assert step.version > old.version, f"{step.node} changed from {old.status} to {step.status} unseen"


def _acted_on(step: StepDocument) -> Any:
    return step.model_dump(exclude={"version", "due_at", "actions", "attempts"})
