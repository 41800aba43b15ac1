"""Saying that one is looking at a blocked request, and that one is no longer."""

from __future__ import annotations

from functools import partial

from engine.commands.acting import Acting, act_of
from engine.rules.looking import look, look_away
from engine.rules.permissions import Actor


class Lookouts(Acting):
    """The part of the engine that tells people who is on it already. Needs Take action, and locks nobody out."""

    def look(self, actor: Actor, request_id: int, seen: str | None = None) -> None:
        """For a quarter of an hour from now. ``seen``: the id of whoever was looking, by what this person saw; it is
        taken over from them. Raises NotFound, NotPermitted, SelfAction, Refused, Conflict."""
        self._permitted_request(actor, request_id)
        act = act_of(actor)
        self.store.look(request_id, partial(look, act=act, seen=seen))

    def look_away(self, actor: Actor, request_id: int) -> None:
        """Give it up. Raises as ``look``."""
        self._permitted_request(actor, request_id)
        act = act_of(actor)
        self.store.look(request_id, partial(look_away, act=act))
