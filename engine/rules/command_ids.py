"""What makes a command safe to repeat: with its event is kept what it asked for, and what it was answered (SPEC 5)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from engine.errors import InvalidInput, KeyReused, as_sent
from engine.limits import MAX_KEY_CHARS
from engine.records import Event
from engine.rules.decide.act import Accepted
from engine.rules.draft import Draft
from engine.states import RequestStatus

FACT = "command"  # in the event's data; no door shows it


def check_key(key: str) -> None:
    """Raise InvalidInput unless a submit or an act can be known by it: an index holds it."""
    if not (0 < len(as_sent(key)) <= MAX_KEY_CHARS and key.isprintable()):
        raise InvalidInput(f"A key has 1 to {MAX_KEY_CHARS} characters, on one line. Take another.", "key")


def meaning(request_id: int, node: str | None, *asked: object) -> str:
    """Stands for what a command asks for: the same, asked again, has the same. What binds it to a state that was
    seen (the expected version, the plan's digest) is no part of it: a repetition need not have seen the same."""
    return hashlib.sha256(json.dumps([request_id, node, *asked]).encode()).hexdigest()[:32]


def remember(draft: Draft, command_id: str, asked: str, accepted: Accepted) -> None:
    """Keep both with the event that the command has just left in ``draft``."""
    place = next(place for place, event in enumerate(draft.events) if event.command_id == command_id)
    event = draft.events[place]
    answer = [accepted.status.value, accepted.step_version, accepted.attempt]
    draft.events[place] = event._replace(data={**(event.data or {}), FACT: {"asked": asked, "answer": answer}})


def answered(event: Event, asked: str) -> Accepted:
    """What the command was answered when it was carried out. Raises KeyReused when it asked for something else."""
    kept: dict[str, Any] = (event.data or {}).get(FACT, {})
    if event.request_id is None or kept.get("asked") != asked:
        raise KeyReused(event.command_id or "", event.request_id)
    status, step_version, attempt = kept["answer"]
    return Accepted(event.request_id, event.node, RequestStatus(status), step_version, attempt, repeated=True)


def shown(data: dict[str, Any] | None) -> dict[str, Any] | None:
    """An event's facts without what is kept for repetitions."""
    return data and ({name: value for name, value in data.items() if name != FACT} or None)
