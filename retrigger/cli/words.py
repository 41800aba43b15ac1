"""How statuses, times and counts look in a terminal, and how other people's text is made harmless there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby

from bot.text import clean
from bot.words import counted
from engine.commands.documents import AttemptDocument
from engine.states import AttemptKind, CallEffect, RequestStatus, StepStatus

REQUEST_STYLES = {
    RequestStatus.IN_PROGRESS: "bold blue",
    RequestStatus.BLOCKED: "bold red",
    RequestStatus.COMPLETED: "bold green",
    RequestStatus.FAILED: "bold yellow",
    RequestStatus.REJECTED: "bold magenta",
    RequestStatus.WITHDRAWN: "bold",
}
STEP_SYMBOLS = {
    StepStatus.PENDING: ("○", "dim"),
    StepStatus.READY: ("◔", "blue"),
    StepStatus.RUNNING: ("●", "blue"),
    StepStatus.WAITING: ("◷", "cyan"),
    StepStatus.COMPLETED: ("✓", "green"),
    StepStatus.FAILED: ("!", "yellow"),
    StepStatus.BLOCKED: ("✗", "red"),
    StepStatus.SKIPPED: ("–", "dim"),
    StepStatus.CANCELLED: ("×", "dim"),
}
CALLS = {
    CallEffect.NOT_SENT: "not sent; the outside system was not reached",
    CallEffect.REJECTED: "rejected; the outside system refused it",
    CallEffect.ACCEPTED: "accepted; the outside system carried it out",
    CallEffect.UNKNOWN: "unknown; it may have taken effect",
}
_KINDS = {
    AttemptKind.INITIAL: ("initial", "initial runs"),
    AttemptKind.RETRY: ("retry", "retries"),
    AttemptKind.RECOVERY: ("recovery", "recoveries"),
    AttemptKind.RETRIGGER: ("re-trigger", "re-triggers"),
    AttemptKind.PROVIDED_INPUT: ("input by hand", "inputs by hand"),
}


def plain(text: str) -> str:
    """Somebody's text on one line, with nothing in it that a terminal would obey."""
    return " ".join(clean(text).split())


def age(since: datetime, now: datetime) -> str:
    """Such as "4 min ago"."""
    seconds = max(0.0, (now - since).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return "just now" if seconds < 10 else f"{seconds:.0f} s ago"


def clock(at: datetime, now: datetime) -> str:
    """The time of day here; with its date when that is not today's."""
    local, today = at.astimezone(), now.astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M:%S}"
    if today - local < timedelta(days=300):
        return f"{local:%d %b, %H:%M}"
    return f"{local:%d %b %Y, %H:%M}"


def attempts(made: Sequence[AttemptDocument]) -> str:
    """Such as "3 attempts: initial, 2 retries"; nothing for a step that was run once, as planned."""
    kinds = Counter(attempt.kind for attempt in made)
    if list(kinds) in ([], [AttemptKind.INITIAL]) and len(made) < 2:
        return ""
    parts = [_KINDS[kind][0] if number == 1 else f"{number} {_KINDS[kind][1]}" for kind, number in kinds.items()]
    return f"{counted(len(made), 'attempt')}: {', '.join(parts)}"


def versions(made: Sequence[AttemptDocument], present: int) -> str:
    """Such as "Attempts 1 to 3 ran version 1, attempt 4 version 2"; nothing where all ran the ``present`` one."""
    if {attempt.workflow_version for attempt in made} <= {present}:
        return ""
    if len(made) == 1:
        return f"Ran version {made[0].workflow_version}"
    told: list[str] = []
    for version, group in groupby(made, lambda attempt: attempt.workflow_version):
        first, *others = [attempt.number for attempt in group]
        which = f"attempts {first} to {others[-1]}" if others else f"attempt {first}"
        told.append(f"{which} {'version' if told else 'ran version'} {version}")
    return ", ".join(told).capitalize()
