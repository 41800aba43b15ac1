"""What blocks many requests at once, as the relay reads and remembers it (engine.causes.port.Causes)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, and_, insert, select, update

from engine.causes.port import Common
from engine.causes.records import Item, Member, Run, RunState, SharedCause, Stand, Standing
from engine.errors import NotFound
from engine.limits import CAUSE_REQUESTS, CAUSE_SECONDS
from engine.states import MOVING, StepStatus
from storage import rows
from storage.cause_rows import read_items, read_run, refresh_soon
from storage.store import SqlStore
from storage.tables import UNDER_WAY, blocks, bulk_runs, causes, steps

_SAME_STEP = and_(steps.c.request_id == blocks.c.request_id, steps.c.node == blocks.c.node)
_STILL = and_(steps.c.version == blocks.c.version, steps.c.status == StepStatus.BLOCKED)
_RANK = list(Stand)


class SqlCauses:
    """Beside ``store``, in the same database and through the same writer."""

    def __init__(self, store: SqlStore) -> None:
        self._database, self._writer = store.database, store.writer

    def common(self, request_id: int, nodes: Collection[str]) -> Common | None:
        """What blocks all these steps and many others, if one card tells it."""
        with self._database.reading() as connection:
            found = _blocking(connection, request_id)
            keys = {key for key, *_ in found}
            if len(keys) != 1 or {node for _, _, node, *_ in found} != set(nodes):
                return None
            common = Common(*found[0], None)
            cause = connection.execute(_open(common.key)).first()
            if cause is not None and not _is_over(connection, SharedCause(*cause), request_id, common.at):
                return common._replace(cause_id=cause.id)
            many = len(connection.execute(_beside(common)).all()) >= CAUSE_REQUESTS
        if cause is not None:
            self._writer.write(lambda connection, now: _close(connection, cause.id, now), beside=True)
        return common if many else None

    def join(self, request_id: int, common: Common, error: str) -> int:
        """From now on the cause's card tells the request."""

        def run(connection: Connection, moment: float) -> int:
            cause_id, delay = common.cause_id, None
            if cause_id is None:
                cause_id, delay = _opened(connection, common, error, moment), 0.0
            earlier = (causes.c.id == cause_id, causes.c.since > common.at)
            connection.execute(update(causes).where(*earlier).values(since=common.at))
            mine = (blocks.c.request_id == request_id, blocks.c.key == common.key)
            connection.execute(update(blocks).where(*mine).values(told_by=cause_id))
            refresh_soon(connection, cause_id, moment, delay)
            return cause_id

        return self._writer.write(run, beside=True)

    def joined(self, request_id: int) -> frozenset[str]:
        """The keys of the causes whose cards tell the request."""
        told = select(blocks.c.key).where(blocks.c.request_id == request_id, blocks.c.told_by.is_not(None))
        with self._database.reading() as connection:
            return frozenset(connection.scalars(told))

    def touch(self, request_id: int) -> None:
        """Let the cards of the request's causes show its present state soon."""
        mine = select(causes.c.id).join(blocks, and_(blocks.c.key == causes.c.key, causes.c.closed_at.is_(None)))
        mine = mine.where(blocks.c.request_id == request_id, blocks.c.at >= causes.c.since).distinct()
        with self._database.reading() as connection:
            touched = list(connection.scalars(mine))

        def run(connection: Connection, moment: float) -> None:
            for cause_id in touched:
                refresh_soon(connection, cause_id, moment)

        if touched:
            self._writer.write(run, beside=True)

    def cause(self, cause_id: int) -> SharedCause:
        """Raises NotFound."""
        with self._database.reading() as connection:
            return read_cause(connection, cause_id)

    def standing(self, cause_id: int) -> Standing:
        """Where the requests stand that it blocked."""
        with self._database.reading() as connection:
            cause = read_cause(connection, cause_id)
            found = _members(connection, cause)
        of_request: dict[tuple[str, int], Stand] = {}
        for member, stand in found:
            key = (member.app, member.request_id)
            of_request[key] = min(stand, of_request.get(key, stand), key=_RANK.index)
        apps: dict[str, dict[Stand, int]] = {}
        for (app, _), stand in sorted(of_request.items()):
            counts = apps.setdefault(app, {})
            counts[stand] = counts.get(stand, 0) + 1
        return Standing(apps)

    def latest_run(self, cause_id: int) -> Run | None:
        """Its last bulk re-trigger that was begun."""
        begun = select(bulk_runs.c.id).where(bulk_runs.c.cause_id == cause_id, bulk_runs.c.state != RunState.DRAFT)
        with self._database.reading() as connection:
            run_id = connection.scalar(begun.order_by(bulk_runs.c.id.desc()).limit(1))
            return None if run_id is None else read_run(connection, run_id)

    def items(self, run_id: int) -> list[Item]:
        """By rising number of the request."""
        with self._database.reading() as connection:
            return read_items(connection, run_id)


def read_cause(connection: Connection, cause_id: int) -> SharedCause:
    """Raises NotFound."""
    row = connection.execute(select(causes).where(causes.c.id == cause_id)).first()
    if row is None:
        raise NotFound("cause", cause_id)
    return SharedCause(*row)


def still_blocked(connection: Connection, cause: SharedCause) -> list[Member]:
    """The steps that it blocks now, in the order of their requests."""
    return sorted(member for member, stand in _members(connection, cause) if stand is Stand.BLOCKED)


def _members(connection: Connection, cause: SharedCause) -> list[tuple[Member, Stand]]:
    """Each step that it blocked, and where that stands. Not as a join: PostgreSQL would now and then read all steps in
    the order of their key, to merge them with the few."""
    status, version = (
        select(column).where(_SAME_STEP).correlate(blocks).scalar_subquery()
        for column in (steps.c.status, steps.c.version)
    )
    columns = (blocks.c.request_id, blocks.c.node, blocks.c.version, blocks.c.app, status, version == blocks.c.version)
    wanted = select(*columns).where(blocks.c.key == cause.key, blocks.c.at >= cause.since)
    return [
        (Member(*row[:4]), _stand(StepStatus(row[4]), bool(row[5])))
        for row in connection.execute(wanted)
        if row[4] is not None  # else another version of the workflow has no such step
    ]


def _blocking(connection: Connection, request_id: int) -> list[tuple[str, str, str, str, float]]:
    """(key, source, node, app, at) of what outside systems block in the request now."""
    columns = (blocks.c.key, blocks.c.source, blocks.c.node, blocks.c.app, blocks.c.at)
    query = select(*columns).join_from(blocks, steps, _SAME_STEP)
    found = connection.execute(query.where(blocks.c.request_id == request_id, _STILL).order_by(blocks.c.node))
    return [(key, source, node, app, at) for key, source, node, app, at in found]


def _beside(common: Common) -> Select[*tuple[Any, ...]]:
    """The requests that it blocked within five minutes of this one; so many as make a card."""
    near = blocks.c.at.between(common.at - CAUSE_SECONDS, common.at + CAUSE_SECONDS)
    return select(blocks.c.request_id).where(blocks.c.key == common.key, near).distinct().limit(CAUSE_REQUESTS)


def _open(key: str) -> Select[*tuple[Any, ...]]:
    return select(causes).where(causes.c.key == key, causes.c.closed_at.is_(None))


def _is_over(connection: Connection, cause: SharedCause, request_id: int, moment: float) -> bool:
    """Nothing else is blocked by it, was in the minutes before ``moment``, or is being re-triggered: what is blocked
    then is blocked by another outage."""
    lately = select(blocks.c.at).where(blocks.c.key == cause.key, blocks.c.at >= moment - CAUSE_SECONDS)
    if connection.execute(lately.where(blocks.c.request_id != request_id).limit(1)).first() is not None:
        return False
    if connection.execute(select(bulk_runs.c.id).where(UNDER_WAY, bulk_runs.c.cause_id == cause.id)).first():
        return False
    return all(member.request_id == request_id for member in still_blocked(connection, cause))


def _close(connection: Connection, cause_id: int, moment: float) -> None:
    still_open = (causes.c.id == cause_id, causes.c.closed_at.is_(None))
    connection.execute(update(causes).where(*still_open).values(closed_at=moment))


def _opened(connection: Connection, common: Common, error: str, moment: float) -> int:
    """Open it, unless another relay has done so: that there is one open cause of a key, an index sees to."""
    known = connection.execute(_open(common.key)).first()
    if known is not None:
        return int(known.id)
    new = {"key": common.key, "source": common.source, "error": rows.clean(error), "app": common.app}
    times = {"opened_at": moment, "since": common.at - CAUSE_SECONDS}
    added = insert(causes).values(**new, **times).returning(causes.c.id)
    return int(connection.execute(added).scalar_one())


def _stand(status: StepStatus, same: bool) -> Stand:
    if status is StepStatus.BLOCKED:
        return Stand.BLOCKED if same else Stand.OTHERWISE
    if status in MOVING:
        return Stand.MOVING
    return Stand.RECOVERED if status is StepStatus.COMPLETED else Stand.OTHERWISE
