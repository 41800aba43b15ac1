"""That requests of a version which no engine here can read stand still, put into the outbox (SPEC 3.5)."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Connection, select

from engine import events
from engine.errors import UnreadableVersion
from engine.records import STILL, Event, Notice
from storage import rows
from storage.batch import Told
from storage.database import now
from storage.installation import Installation
from storage.tables import requests

AGAIN = 86400.0  # seconds


class StandingStill(Installation):
    """The part of the store that has it told. ``_told``: whether an application has a Slack channel."""

    _told: Told

    def tell_standing_still(self, request_id: int, why: UnreadableVersion) -> None:
        """Once a day for a version, however many engines come to however many of its requests."""
        name = f"standing_still:{why.version}:{why.workflow}"
        with self._database.reading() as connection:
            app = connection.scalar(select(requests.c.app).where(requests.c.id == request_id))
            if app is None or not self._told(app) or self._is_told(connection, name, now(connection)):
                return

        def run(connection: Connection, moment: float) -> None:
            if not self._is_told(connection, name, moment):
                self._put(connection, name, str(moment))
                event = Event(request_id, events.STANDS_STILL, moment, reason=str(why), data={"app": app})
                notice = rows.notice_row(Notice(request_id, STILL, event), moment)
                self._database.statements.insert_outbox.run(connection, [notice])

        self._writer.write(run)

    def _is_told(self, connection: Connection, name: str, moment: float) -> bool:
        told = self._value(connection, name)
        with suppress(ValueError):  # what a hand has made of it is no time
            return told is not None and moment < float(told) + AGAIN
        return False
