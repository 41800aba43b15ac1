"""Bulk re-triggers, durable and guarded (engine.causes.port.Bulks)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from engine.causes.person import unpack_person
from engine.causes.records import Item, ItemState, Member, Run, RunState, SharedCause
from engine.errors import Conflict
from engine.records import Event
from storage import rows
from storage.cause_rows import RUN_COLUMNS, read_items, read_run, refresh_soon, tell_run
from storage.causes import read_cause, still_blocked
from storage.store import SqlStore
from storage.tables import UNDER_WAY, bulk_items, bulk_runs


class SqlBulks:
    """Beside ``store``, in the same database and through the same writer."""

    def __init__(self, store: SqlStore) -> None:
        self._database, self._writer = store.database, store.writer

    def cause(self, cause_id: int) -> SharedCause:
        """Raises NotFound."""
        with self._database.reading() as connection:
            return read_cause(connection, cause_id)

    def members(self, cause_id: int, limit: int) -> list[Member]:
        """The requests that it blocks still, each with one step."""
        with self._database.reading() as connection:
            blocked = still_blocked(connection, read_cause(connection, cause_id))
        first: dict[int, Member] = {}
        for member in blocked:
            first.setdefault(member.request_id, member)
        return list(first.values())[:limit]

    def new_run(self, draft: Run, items: Sequence[Item]) -> int:
        """Store a preview, in the place of those that the person had before."""

        def run(connection: Connection, moment: float) -> int:
            mine = (bulk_runs.c.cause_id == draft.cause_id, bulk_runs.c.person == draft.person)
            older = list(connection.scalars(select(bulk_runs.c.id).where(*mine, bulk_runs.c.state == RunState.DRAFT)))
            connection.execute(delete(bulk_items).where(bulk_items.c.run_id.in_(older)))
            connection.execute(delete(bulk_runs).where(bulk_runs.c.id.in_(older)))
            values = {**draft._asdict(), "created_at": moment}
            del values["id"]
            run_id = int(connection.execute(insert(bulk_runs).values(values).returning(bulk_runs.c.id)).scalar_one())
            if items:
                connection.execute(insert(bulk_items), [item._replace(run_id=run_id)._asdict() for item in items])
            return run_id

        return self._writer.write(run, beside=True)

    def run(self, run_id: int) -> Run:
        """Raises NotFound."""
        with self._database.reading() as connection:
            return read_run(connection, run_id)

    def items(self, run_id: int) -> list[Item]:
        """By rising number of the request."""
        with self._database.reading() as connection:
            return read_items(connection, run_id)

    def begin(self, run: Run, told: Event) -> bool:
        """From DRAFT to CANARY. Raises Conflict while another one of the cause is under way."""

        def begin(connection: Connection, moment: float) -> bool:
            other = select(bulk_runs.c.id).where(UNDER_WAY, bulk_runs.c.cause_id == run.cause_id)
            if (running := connection.execute(other).first()) is not None and running.id != run.id:
                first = read_run(connection, running.id)
                who, did = unpack_person(first.person).name, f"began bulk re-trigger {first.id}"
                raise Conflict("This cause", "being re-triggered already", who, first.begun_at, did)
            chosen = {"person": run.person, "flow": run.flow, "rate": run.rate, "reason": rows.clean(run.reason)}
            moved = _move(connection, run.id, (RunState.DRAFT,), RunState.CANARY, **chosen, begun_at=moment)
            if moved:
                tell_run(connection, run.cause_id, told, moment)
            return moved

        return self._writer.write(begin, beside=True)

    def stop(self, run_id: int, why: str, told: Event) -> bool:
        """Begin nothing more; items that wait are LEFT."""

        def run(connection: Connection, moment: float) -> bool:
            before = (RunState.CANARY, RunState.RUNNING)
            moved = _move(connection, run_id, before, RunState.STOPPING, why=rows.clean(why))
            if moved:
                waiting = (bulk_items.c.run_id == run_id, bulk_items.c.state == ItemState.WAITING)
                connection.execute(update(bulk_items).where(*waiting).values(state=ItemState.LEFT))
                tell_run(connection, read_run(connection, run_id).cause_id, told, moment)
            return moved

        return self._writer.write(run, beside=True)

    def advance(self, run_id: int, before: RunState, after: RunState, told: Event) -> bool:
        """From one state to the next."""

        def run(connection: Connection, moment: float) -> bool:
            ended = {"ended_at": moment} if after is RunState.ENDED else {}
            moved = _move(connection, run_id, (before,), after, **ended)
            if moved:
                tell_run(connection, read_run(connection, run_id).cause_id, told, moment)
            return moved

        return self._writer.write(run, beside=True)

    def settle(self, run_id: int, changed: Iterable[Item], before: ItemState, next_in: float | None = None) -> None:
        """Store the new states and notes of items that were in the state ``before``."""

        def run(connection: Connection, moment: float) -> None:
            for item in changed:
                same = (bulk_items.c.run_id == run_id, bulk_items.c.request_id == item.request_id)
                values = {"state": item.state, "note": rows.clean(item.note)}
                connection.execute(update(bulk_items).where(*same, bulk_items.c.state == before).values(values))
            found = read_run(connection, run_id)
            if next_in is not None:  # behind its time by more than one, it does not hurry to catch up
                due = max(found.next_at or moment, moment - next_in) + next_in
                connection.execute(update(bulk_runs).where(bulk_runs.c.id == run_id).values(next_at=due))
            refresh_soon(connection, found.cause_id, moment)

        self._writer.write(run, beside=True)

    def claim(self, worker: str, lease: float) -> list[tuple[Run, bool]]:
        """The runs under way that are this worker's for ``lease`` seconds, and whether the next request is due."""
        with self._database.reading() as connection:  # nearly always there is none, and then nothing is locked
            if connection.execute(select(bulk_runs.c.id).where(UNDER_WAY).limit(1)).first() is None:
                return []

        def run(connection: Connection, moment: float) -> list[tuple[Run, bool]]:
            free = or_(bulk_runs.c.worker.is_(None), bulk_runs.c.worker == worker, bulk_runs.c.lease_until < moment)
            mine = update(bulk_runs).where(UNDER_WAY, free).values(worker=worker, lease_until=moment + lease)
            found = [Run(*row) for row in connection.execute(mine.returning(*RUN_COLUMNS))]
            typed = [it._replace(state=RunState(it.state), flow=bool(it.flow)) for it in found]
            return [(it, it.next_at is None or it.next_at <= moment) for it in typed]

        return self._writer.write(run, beside=True)


def _move(connection: Connection, run_id: int, before: Sequence[RunState], after: RunState, **values: Any) -> bool:
    guarded = update(bulk_runs).where(bulk_runs.c.id == run_id, bulk_runs.c.state.in_(before))
    return bool(connection.execute(guarded.values(state=after, **values)).rowcount)
