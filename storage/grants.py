"""Who was granted what, as far as it is stored."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select

from engine.records import Event
from engine.rules.permissions import Grant, Permission
from storage.repository import Repository
from storage.tables import grants, is_one_of

_KNOWN = (
    select(grants)
    .where(is_one_of(grants.c.permission, *sorted(Permission)))
    .order_by(grants.c.who, grants.c.permission, grants.c.app)
)


class Grants(Repository):
    """Stored grants. One is known by who, permission and application; case does not count in who."""

    def grants(self) -> list[Grant]:
        """All of them, by who. What only a newer version knows the meaning of gives nothing here."""
        with self._database.reading() as connection:
            found = connection.execute(_KNOWN)
            return [Grant(row.who, Permission(row.permission), row.app or None, row.source, row.at) for row in found]

    def add_grant(self, grant: Grant, granted: Event) -> bool:
        """Store a grant, with its event. False when it was there."""

        def run(connection: Connection, now: float) -> bool:
            if _names(connection, grant):
                return False
            row = (grant.who, grant.permission.value, grant.app or "", grant.source, now)
            connection.execute(insert(grants).values(row))
            self._audit(connection, granted, now)
            return True

        return self._writer.write(run)

    def remove_grant(self, grant: Grant, revoked: Event) -> bool:
        """Remove a grant, whatever its source, with its event. False when there was none."""

        def run(connection: Connection, now: float) -> bool:
            names = _names(connection, grant)
            if not names:
                return False
            connection.execute(delete(grants).where(_gives(grant), grants.c.who.in_(names)))
            self._audit(connection, revoked, now)
            return True

        return self._writer.write(run)


def _names(connection: Connection, grant: Grant) -> list[str]:
    """Under which it is stored. They are compared here: to SQLite only ASCII has small letters, and what a revocation
    did not find would go on counting."""
    found = connection.scalars(select(grants.c.who).where(_gives(grant)))
    return [who for who in found if who.lower() == grant.who.lower()]


def _gives(grant: Grant) -> ColumnElement[bool]:
    return and_(grants.c.permission == grant.permission.value, grants.c.app == (grant.app or ""))
