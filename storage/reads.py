"""What a transaction must have read before its rules can run, asked for all at once (storage.driver.together)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from storage import rows
from storage.claims import Looks
from storage.creating import Submits
from storage.operations import Change, Create, Operation
from storage.request_cache import Held, RequestCache
from storage.statements import Statements


class Reads:
    """Asks as it is made. ``now`` is known to SQLite, where it is told what was asked at once; ``claiming``: due steps
    are claimed in the same transaction."""

    def __init__(
        self,
        connection: Connection,
        statements: Statements,
        operations: Sequence[Operation],
        cache: RequestCache,
        now: float | None,
        claiming: bool,
    ) -> None:
        self._waiting = statements.waiting.ask(connection, now=now) if claiming else None
        creates = [it for it in operations if isinstance(it, Create)]
        self.submits = Submits(connection, statements, creates) if creates else None
        changes = [it for it in operations if isinstance(it, Change)]
        self._ask_for_requests(connection, statements, changes, cache)
        commands = [change.command_id for change in changes if change.command_id is not None]
        self._done = None
        if commands:
            self._done = statements.done_commands.ask(connection, ids=statements.listed(commands))

    def _ask_for_requests(
        self, connection: Connection, statements: Statements, changes: Sequence[Change], cache: RequestCache
    ) -> None:
        """Those that the cache lacks are read, and on PostgreSQL locked, in the order of their ids."""
        self._held: dict[int, Held] = {}
        missing = []
        for request_id in sorted({change.request_id for change in changes}):
            held = cache.get(request_id)
            if held is None:
                missing.append(request_id)
            else:
                self._held[request_id] = held
        self._requests = self._steps = None
        if missing:
            listed = statements.listed(missing)
            self._requests = statements.lock_requests.ask(connection, ids=listed)
            self._steps = statements.load_steps.ask(connection, ids=listed)

    def looks(self) -> Looks:
        """What is due."""
        if self._waiting is None:
            return Looks(False, False)
        ((alone, late),) = self._waiting.fetchall()
        return Looks(bool(alone), bool(late))

    def held(self) -> dict[int, Held]:
        """The requests that are to be changed, as far as there are such."""
        for row in self._requests.fetchall() if self._requests is not None else ():
            request = rows.request_from(row)
            self._held[request.id] = Held(request)
        for row in self._steps.fetchall() if self._steps is not None else ():
            step = rows.step_from(row)
            self._held[step.request_id].stored_steps[step.node] = step
        return self._held

    def done(self) -> dict[str, int | None]:
        """The commands that were carried out before, each with its request."""
        return dict(self._done.fetchall()) if self._done is not None else {}
