"""The bot's words for what the engine's values mean."""

from __future__ import annotations

from engine.states import CallEffect, RequestStatus, StepStatus

REQUEST_SYMBOLS = {
    RequestStatus.IN_PROGRESS: "🔵",
    RequestStatus.BLOCKED: "🔴",
    RequestStatus.COMPLETED: "🟢",
    RequestStatus.FAILED: "🟠",
    RequestStatus.REJECTED: "⛔",
    RequestStatus.WITHDRAWN: "⚪",
}
STEP_SYMBOLS = {
    StepStatus.PENDING: "⬜",
    StepStatus.READY: "🔹",
    StepStatus.RUNNING: "🔵",
    StepStatus.WAITING: "🕒",
    StepStatus.COMPLETED: "✅",
    StepStatus.FAILED: "🟠",
    StepStatus.BLOCKED: "🔴",
    StepStatus.SKIPPED: "➖",
    StepStatus.CANCELLED: "✖️",
}
CALL_SENTENCES = {
    CallEffect.NOT_SENT: "The last call: *not sent*. The outside system was not reached.",
    CallEffect.REJECTED: "The last call: *rejected*. The outside system refused it.",
    CallEffect.ACCEPTED: "The last call: *accepted*. The outside system carried it out.",
    CallEffect.UNKNOWN: "The last call: *unknown*. It is unknown whether the call took effect.",
}
DOORS = {"cli": "on the command line", "api": "through the API"}


def counted(number: int, thing: str, things: str = "") -> str:
    """Such as "1 try" or "4 tries"."""
    return f"{number} {thing if number == 1 else things or thing + 's'}"
