"""Who is looking at a request: events only, written while the request is held (engine.rules.looking)."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select

from engine.errors import NotFound
from engine.records import Notice, Request
from engine.rules.looking import KINDS, Looked, Looking, looking
from storage import rows
from storage.repository import Repository
from storage.statements import EVENT_COLUMNS
from storage.tables import events


class LookingStore(Repository):
    """The part of the store that keeps it."""

    def look(self, request_id: int, decide: Callable[[Request, Looking | None, float], Looked]) -> None:
        """Let ``decide``, which gets the request, who is looking, and the time, say what to store. Raises NotFound,
        and what ``decide`` raises; then nothing is stored."""
        statements = self._database.statements

        def run(connection: Connection, now: float) -> None:
            held = statements.lock_requests.run(connection, ids=statements.listed([request_id]))
            if not held:
                raise NotFound("request", f"REQ-{request_id}")
            event, notices, over = decide(rows.request_from(held[0]), _looking(connection, request_id, now), now)
            self._audit(connection, event, now)
            told = [rows.notice_row(notice, now) for notice in notices]
            if over is not None:
                told.append(rows.notice_row(Notice(request_id, "card"), over))
            statements.insert_outbox.run(connection, told)

        self._writer.write(run, beside=True)


def _looking(connection: Connection, request_id: int, now: float) -> Looking | None:
    of_kind = events.c.kind.in_(KINDS)
    told = select(*EVENT_COLUMNS).where(events.c.request_id == request_id, of_kind).order_by(events.c.id)
    return looking(map(rows.event_from, connection.execute(told)), now)
