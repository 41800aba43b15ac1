"""API keys, as far as they are stored: by their hash."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from engine.errors import NotFound
from engine.records import Event
from engine.stored import StoredKey
from storage.repository import Repository
from storage.tables import api_keys

_IN_USE = api_keys.c.revoked_at.is_(None)
_COLUMNS = tuple(api_keys.c[name] for name in StoredKey._fields)


class ApiKeys(Repository):
    """Of each name one key is in use at most. Revoked keys are kept: the audit names them."""

    def keys(self) -> list[StoredKey]:
        """All of them, by name, then by age."""
        with self._database.reading() as connection:
            found = connection.execute(select(*_COLUMNS).order_by(api_keys.c.name, api_keys.c.id))
            return [StoredKey(*row) for row in found]

    def find_key(self, digest: str) -> StoredKey | None:
        """The key with this hash, if it is in use."""
        with self._database.reading() as connection:
            found = connection.execute(select(*_COLUMNS).where(api_keys.c.digest == digest, _IN_USE)).first()
            return None if found is None else StoredKey(*found)

    def add_key(self, name: str, digest: str, created: Event) -> bool:
        """Store a key. False when one of that name is in use."""

        def run(connection: Connection, now: float) -> bool:
            if connection.execute(select(api_keys.c.id).where(api_keys.c.name == name, _IN_USE)).first():
                return False
            row = {"name": name, "digest": digest, "created_at": now, "created_by": created.by}
            connection.execute(insert(api_keys).values(row))
            self._audit(connection, created, now)
            return True

        return self._writer.write(run)

    def revoke_key(self, name: str, revoked: Event) -> None:
        """Take a key out of use. Raises NotFound."""

        def run(connection: Connection, now: float) -> None:
            used = update(api_keys).where(api_keys.c.name == name, _IN_USE)
            if not connection.execute(used.values(revoked_at=now)).rowcount:
                raise NotFound("key", name, "`retrigger key list` has those in use.")
            self._audit(connection, revoked, now)

        self._writer.write(run)
