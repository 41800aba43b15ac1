"""What the installation keeps for itself."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, insert, select, update

from storage.repository import Repository
from storage.tables import installation

_CALLBACKS = "callback_secret"


class Installation(Repository):
    """One value by name."""

    def installation_secret(self) -> bytes:
        """The secret from which callback addresses are made. Of processes that ask at once, one makes it."""
        value = select(installation.c.value).where(installation.c.name == _CALLBACKS)
        with self._database.reading() as connection:
            found = connection.scalar(value)
        if found is None:
            made = secrets.token_hex(32)

            def make(connection: Connection, moment: float) -> str:
                there = connection.scalar(value)
                if there is None:
                    connection.execute(insert(installation).values(name=_CALLBACKS, value=made))
                return there or made

            found = self._writer.write(make)
        return bytes.fromhex(found)

    def kept(self, name: str) -> str | None:
        """What was kept under this name."""
        with self._database.reading() as connection:
            return self._value(connection, name)

    def keep(self, name: str, value: str) -> None:
        """Keep a text, in place of the one before."""
        self._writer.write(lambda connection, now: self._put(connection, name, value))

    @staticmethod
    def _value(connection: Connection, name: str) -> str | None:
        value: str | None = connection.scalar(select(installation.c.value).where(installation.c.name == name))
        return value

    @staticmethod
    def _put(connection: Connection, name: str, value: str) -> None:
        changed = connection.execute(update(installation).where(installation.c.name == name).values(value=value))
        if not changed.rowcount:
            connection.execute(insert(installation).values(name=name, value=value))
