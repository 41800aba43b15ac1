"""Who began a bulk re-trigger, kept with it: each of its acts is theirs, and is permitted anew."""

from __future__ import annotations

import json
from typing import Any

from engine.rules.permissions import Actor
from engine.values.stored_json import made_of


def pack_person(actor: Actor) -> str:
    """The person as text."""
    return json.dumps({**actor._asdict(), "groups": sorted(actor.groups)}, sort_keys=True)


def unpack_person(text: str) -> Actor:
    """The other way round. Raises DamagedValue."""
    return made_of(text, "the person who began a bulk re-trigger", _actor)


def _actor(fields: Any) -> Actor:
    return Actor(**{**fields, "groups": frozenset(fields.get("groups", ()))})
