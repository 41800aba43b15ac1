"""Documents for the builders: usual ones, and the worst that a workflow may bring."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bot.text import Dates
from engine import events
from engine.commands.documents import AttemptDocument, EventDocument, RequestDocument, StepDocument
from engine.records import Event
from engine.rules.allowed import Action
from engine.rules.plan import Plan, PlannedStep
from engine.states import AttemptKind, AttemptOutcome, CallEffect, RequestStatus, StepStatus
from tests.support.slack_checks import texts

AT = datetime(2024, 5, 6, 10, 42, tzinfo=UTC)
NASTY = "<!channel> <@U0EVIL> & <http://evil|x> *b* `c`\nsecond line\x00\x1b\u202e\ud800 "
LONG = "ä<&>" * 2_000
TEXTS = ["", " ", "503", NASTY, LONG, "&" * 20_000, "`" * 500]


def attempt(number: int = 1, **facts: Any) -> AttemptDocument:
    usual: dict[str, Any] = {
        "number": number,
        "kind": AttemptKind.INITIAL,
        "visit": 1,
        "outcome": AttemptOutcome.FAILED,
        "error": "identity answered 503",
        "call": CallEffect.UNKNOWN,
        "idempotency_key": "key",
        "workflow_version": 1,
        "worker": "w",
        "started_at": AT,
        "ended_at": AT,
        "by": None,
        "actor": None,
        "did": None,
        "acted_at": None,
        "door": None,
        "reason": None,
        "late": None,
    }
    return AttemptDocument(**{**usual, **facts})


def step(node: str = "create_account", **facts: Any) -> StepDocument:
    usual: dict[str, Any] = {
        "node": node,
        "kind": "action",
        "status": StepStatus.BLOCKED,
        "version": 7,
        "visit": 1,
        "stale": False,
        "held": False,
        "result": None,
        "error": "identity answered 503",
        "call": CallEffect.UNKNOWN,
        "retries": 3,
        "recoveries": 0,
        "due_at": None,
        "wakes_at": None,
        "outlet": None,
        "approvers": (),
        "approved": (),
        "need": None,
        "part_of": None,
        "actions": (Action.RETRIGGER, Action.FLOW, Action.INPUT),
        "attempts": (attempt(1), attempt(2, kind=AttemptKind.RETRY)),
    }
    return StepDocument(**{**usual, **facts})


def request(*steps: StepDocument, **facts: Any) -> RequestDocument:
    usual: dict[str, Any] = {
        "id": "REQ-42",
        "workflow": "onboarding",
        "version": 3,
        "app": "HR",
        "title": "Onboard Ada",
        "status": RequestStatus.BLOCKED,
        "reason": "create_account: identity answered 503",
        "requester": "ada@example.com",
        "revision": 3,
        "created_at": AT,
        "updated_at": AT,
        "blocked_at": AT,
        "blocked": tuple(s.node for s in steps if s.status is StepStatus.BLOCKED and not s.stale),
        "input": {"name": "Ada", "national_id": "SECRET-INPUT"},
        "actions": (Action.WITHDRAW,),
        "steps": steps,
        "looking": None,
        "events": (),
    }
    return RequestDocument(**{**usual, **facts})


def event(kind: str, node: str | None = "create_account", **facts: Any) -> Event:
    return Event(42, kind, AT.timestamp(), node, **facts)


def shown_event(kind: str, node: str | None = "create_account", **facts: Any) -> EventDocument:
    nothing: dict[str, Any] = dict.fromkeys(("attempt", "by", "actor", "door", "reason", "data"))
    return EventDocument(at=AT, kind=kind, node=node, **{**nothing, **facts})


def plan(*runs: PlannedStep, action: Action = Action.FLOW, confirm: bool = False) -> Plan:
    return Plan(42, action, "create_account", 7, RequestStatus.BLOCKED, runs, (), confirm, confirm, "d1g35t")


def worst(text: str, steps: int = 80) -> RequestDocument:
    """A request with ``text`` wherever a text may stand, and many steps in every state."""
    statuses = list(StepStatus)
    act = attempt(
        9, kind=AttemptKind.RETRIGGER, by=text, reason=text, error=text, late=text or None, door="cli", worker=text
    )
    built = [
        step(
            f"node_{n}_" + "x" * (n % 90),
            status=statuses[n % len(statuses)],
            error=text,
            call=list(CallEffect)[n % 4],
            held=n % 5 == 0,
            stale=n % 7 == 0,
            recoveries=n % 6,
            due_at=AT if n % 2 else None,
            wakes_at=AT,
            kind=("action", "approval", "callback")[n % 3],
            approvers=(text,) * (n % 4),
            need="all",
            part_of="block" if n % 11 == 0 else None,
            result={"a": text},
            attempts=(*tuple(attempt(k, error=text) for k in range(1, n % 9)), act),
            actions=(Action.RETRIGGER, Action.FLOW, Action.INPUT) if n % 3 == 0 else (),
        )
        for n in range(steps)
    ]
    acts = [shown_event(kind, by=text, reason=text, door="api") for kind in sorted(events.ACTS)]
    others = [shown_event(kind, data={"error": text, "call": "unknown"}) for kind in sorted(events.THREAD)]
    return request(
        *built,
        title=text,
        app=text,
        workflow=text,
        reason=text,
        requester=text,
        events=tuple(acts + others),
        actions=tuple(Action),
    )


DATES = Dates(plain=True)


def said(blocks: Any) -> str:
    """Every text of some blocks."""
    return "\n".join(texts(blocks))


def buttons(blocks: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(label, action id) of every button."""
    found = [e for b in blocks for e in [*b.get("elements", []), b.get("accessory") or {}] if e.get("type") == "button"]
    return [(button["text"]["text"], button["action_id"]) for button in found]


def fields(view: dict[str, Any]) -> list[str]:
    """The ids of a window's fields."""
    return [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
