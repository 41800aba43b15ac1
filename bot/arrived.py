"""What the log says of a payload from Slack: who, which button or window, and which request; nothing that was typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

_OURS = "retrigger."  # other ids are of no one request


class Arrived(NamedTuple):
    """``click`` joins the lines of one act: the id of a submitted window, else what Slack calls the trigger or the
    event."""

    click: str | None
    kind: str | None
    action: str | None
    team: str | None
    user: str | None
    request: str | None


def arrived(body: Mapping[str, Any]) -> Arrived:
    """Read a payload, whatever kind it is."""
    view, event, user = body.get("view") or {}, body.get("event") or {}, body.get("user") or {}
    pressed = (body.get("actions") or [{}])[0]
    submitted = body.get("type") == "view_submission"
    action = view.get("callback_id") if submitted else pressed.get("action_id") or body.get("command")
    packed = view.get("private_metadata") if submitted else pressed.get("value")
    return Arrived(
        view.get("id") if submitted else body.get("trigger_id") or body.get("event_id"),
        event.get("type") or body.get("type"),
        action,
        body.get("team_id") or (body.get("team") or {}).get("id") or user.get("team_id"),
        user.get("id") or body.get("user_id") or event.get("user"),
        _request(packed) if str(action).startswith(_OURS) else None,
    )


def _request(packed: str | None) -> str | None:
    """The number stands first in what bot.targets packs, or first in its first or second part."""
    try:
        value = json.loads(packed or "")
    except ValueError:
        return None
    if isinstance(value, dict):
        value = [value.get("request_id")]
    parts = value[:2] if isinstance(value, list) else []
    first = [part[0] if isinstance(part, list) and part else part for part in parts]
    number = next((each for each in first if isinstance(each, int) and not isinstance(each, bool)), None)
    return None if number is None else f"REQ-{number}"
