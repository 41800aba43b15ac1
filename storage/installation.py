"""What the installation keeps for itself."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, insert, select

from storage.part import Part
from storage.tables import installation

_CALLBACKS = "callback_secret"


class Installation(Part):
    """One value by name, made once."""

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
