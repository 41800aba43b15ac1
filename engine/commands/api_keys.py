"""Keys for the HTTP API: made once, stored as a hash only, each with grants of its own (SPEC 8)."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import NamedTuple

from engine import events
from engine.commands.access import Access
from engine.errors import InvalidInput, Refused, UnknownKey
from engine.records import Event
from engine.rules.permissions import Actor, Permission
from engine.stored import StoredKey

PREFIX = "rtk_"  # by which a person, and a scanner for secrets, knows one
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,49}")
_DOOR = "api"


class Caller(NamedTuple):
    """Who holds a key. ``key_id`` is never given again: a name is, once its key was revoked."""

    actor: Actor
    key_id: int

    def command_id(self, key: str) -> str:
        """``key``, the caller's Idempotency-Key, as the id of a command: other keys' do not collide with it."""
        return f"key:{self.key_id}:{key}"


class ApiKeys(Access):
    """The part of the engine that makes, lists, revokes and recognises keys."""

    def create_key(self, actor: Actor, name: str) -> str:
        """A new key, shown this once. Raises InvalidInput for its name, Refused when one of that name is in use."""
        self._require(actor, Permission.ADMIN, None)  # a key is of no one application
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"{name[:60]!r} cannot name a key; take up to 50 lower-case letters, digits, '.', '_' and '-'.", "name"
            )
        key = PREFIX + secrets.token_urlsafe(32)
        created = _event(actor, events.KEY_CREATED, name)
        if not self.store.add_key(name, digest(key), created):
            raise Refused(f"There is a key {name} already. Revoke it first, or take another name.")
        return key

    def revoke_key(self, actor: Actor, name: str) -> None:
        """From now on it opens nothing. Raises NotFound when no key of that name is in use."""
        self._require(actor, Permission.ADMIN, None)
        self.store.revoke_key(name, _event(actor, events.KEY_REVOKED, name))

    def keys(self, actor: Actor) -> list[StoredKey]:
        """All of them, those that were revoked too; by name, then by age."""
        self._require(actor, Permission.ADMIN, None)
        return self.store.keys()

    def caller(self, key: str | None) -> Caller:
        """Whose key this is. Raises UnknownKey."""
        found = self.store.find_key(digest(key)) if key else None
        if found is None:
            raise UnknownKey(missing=not key)
        return Caller(Actor(f"key:{found.name}", f"key {found.name}", _DOOR), found.id)


def digest(key: str) -> str:
    """What is stored of a key. It is 256 random bits, so that a plain hash cannot be turned back by trying."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _event(actor: Actor, kind: str, name: str) -> Event:
    return Event(None, kind, 0.0, by=actor.name, actor=actor.id, door=actor.door, data={"key": name})
