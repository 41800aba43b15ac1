"""Who began a bulk re-trigger, kept with it: each of its acts is theirs, and is permitted anew."""

from __future__ import annotations

import json

from engine.rules.permissions import Actor


def pack_person(actor: Actor) -> str:
    """The person as text."""
    return json.dumps({**actor._asdict(), "groups": sorted(actor.groups)}, sort_keys=True)


def unpack_person(text: str) -> Actor:
    """The other way round."""
    fields = json.loads(text)
    return Actor(**{**fields, "groups": frozenset(fields["groups"])})
