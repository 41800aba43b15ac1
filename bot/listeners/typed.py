"""What a submitted window holds, as typed values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bot.blocks import modals, provide
from bot.targets import ChosenFile, Settled, Ticket
from bot.text import one_line


class Submitted(NamedTuple):
    """What was typed, ticked and chosen. ``body`` None: the editor came back empty. ``errors`` by field."""

    settled: Settled
    confirmed: bool
    reason: str | None
    body: str | None
    errors: dict[str, str]
    file: ChosenFile | None = None


def values(view: dict[str, Any]) -> dict[str, Any]:
    """The window's ``state.values``. Some servers do not send a text that was shown and left as it was; Slack sends no
    empty one for a field that requires a text, so there it can only be the one that was shown."""
    state = dict((view.get("state") or {}).get("values") or {})
    for block in view.get("blocks") or []:
        element = block.get("element") or {}
        if "initial_value" in element and not block.get("optional", False):
            field = block["block_id"]
            if _value(state, field) is None:
                state[field] = {field: {"value": element["initial_value"]}}
    return state


def read(state: dict[str, Any], ticket: Ticket) -> Submitted:
    """``state`` is the view's ``state.values``. What was settled in a window before stays."""
    errors: dict[str, str] = {}
    reason = text_of(state, modals.REASON)
    confirmed = _ticked(state, modals.CONFIRMED)
    if ticket.confirm and not confirmed:
        errors[modals.CONFIRMED] = "An earlier call may have taken effect. Tick this box if it may be repeated."
    if ticket.confirm and not reason:
        errors[modals.REASON] = "Give a reason: the earlier call may have taken effect."
    elif ticket.settled is not None and ticket.settled.new_key and not reason:
        errors[modals.REASON] = "Give a reason: with a new key the outside system takes the call for another one."
    settled = ticket.settled
    if settled is None:
        version = text_of(state, modals.VERSION)
        if version is not None and not version.isdecimal():
            errors[modals.VERSION] = f"Write the number of a published version, such as 4; {version[:40]!r} is none."
        number = int(version) if version is not None and version.isdecimal() else None
        settled = Settled(number, _ticked(state, modals.NEW_KEY), _ticked(state, modals.UPDATE_STATUS))
    body = text_of(state, provide.BODY, strip=False)
    return Submitted(settled, confirmed, reason, body, errors, _file(state, provide.FILE))


def given(state: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """What the window holds of a field, whose block and element share one id; empty for one that it does not have."""
    found: Mapping[str, Any] = (state.get(field) or {}).get(field) or {}
    return found


def _value(state: dict[str, Any], field: str) -> str | None:
    value: str | None = given(state, field).get("value")
    return value


def text_of(state: dict[str, Any], field: str, *, strip: bool = True) -> str | None:
    """What was typed into a field; None when that is nothing."""
    value = _value(state, field)
    if value is None or not value.strip():
        return None
    return value.strip() if strip else value


def _ticked(state: dict[str, Any], field: str) -> bool:
    return bool(given(state, field).get("selected_options"))


def _file(state: dict[str, Any], field: str) -> ChosenFile | None:
    chosen = given(state, field).get("files") or []
    return ChosenFile(str(chosen[0]["id"]), one_line(str(chosen[0].get("name") or "file"), 100)) if chosen else None
