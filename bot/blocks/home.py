"""App Home: how many requests stand where, and the oldest blocked ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.blocks import fit
from bot.blocks.lists import request_line
from bot.blocks.parts import context, divider, header, section
from bot.text import Dates, bold
from bot.words import REQUEST_SYMBOLS
from engine.documents import RequestSummary
from engine.states import RequestStatus


def home_view(counts: Mapping[RequestStatus, int], blocked: Sequence[RequestSummary], dates: Dates) -> dict[str, Any]:
    """``counts`` and ``blocked`` (oldest first) are of the applications that the person may see."""
    numbers = " · ".join(
        f"{REQUEST_SYMBOLS[status]} {status.label}: {bold(str(counts.get(status, 0)))}" for status in RequestStatus
    )
    rest = counts.get(RequestStatus.BLOCKED, 0) - len(blocked)
    blocks = [header("Requests"), section(numbers), divider(), section(bold("Blocked, oldest first"))]
    blocks += [request_line(item, dates) for item in blocked] or [section("Nothing is blocked.")]
    if rest > 0:
        blocks.append(context(f"… and {rest} more. `/retrigger` lists them."))
    return fit.home(blocks)
