"""Published workflow versions. One that is stored never changes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, func, insert, select

from engine.errors import DamagedValue, NotFound, UnreadableVersion
from engine.records import Event
from engine.spelling import nearest_first
from engine.states import ACTIONABLE
from engine.stored import NewestVersion, StoredWorkflow
from engine.values.stored_json import stored_json
from storage.repository import Repository
from storage.rows import clean, dump
from storage.tables import HIGHEST_VERSION, is_one_of, requests, workflows

_NEWEST = select(workflows.c.name, func.max(workflows.c.version).label("version")).group_by(workflows.c.name)


class Workflows(Repository):
    """Publishing, and finding what was published."""

    def publish(self, name: str, app: str, document: dict[str, Any], digest: str, published: Event) -> tuple[int, bool]:
        """Store a new version, and that it was ``published``, unless the newest is the same. Returns (version, whether
        it is new)."""
        text = dump(document)

        def run(connection: Connection, now: float) -> tuple[int, bool]:
            versions = select(workflows.c.version, workflows.c.digest, workflows.c.document)
            versions = versions.where(workflows.c.name == name)
            newest = connection.execute(versions.order_by(workflows.c.version.desc()).limit(1)).first()
            if newest is not None and newest.digest == digest and _holds(newest.document, document):
                return newest.version, False
            version = newest.version + 1 if newest else 1
            connection.execute(insert(workflows).values((name, version, app, text, digest, now)))
            facts = {"workflow": name, "version": version, "app": app}
            self._audit(connection, published._replace(data=facts), now)
            return version, True

        return self._writer.write(run)

    def workflow(self, name: str, version: int | None = None) -> StoredWorkflow:
        """A published version; the newest when none is named. Raises NotFound."""
        name = clean(name) or ""
        with self._database.reading() as connection:
            if version is None:
                found = self._database.statements.newest_workflow.run(connection, name=name)
            elif not 0 < version <= HIGHEST_VERSION:
                found = []
            else:
                one = select(workflows).where(workflows.c.name == name, workflows.c.version == version)
                found = connection.execute(one).all()
            if not found:
                names = connection.scalars(select(workflows.c.name).distinct().order_by(workflows.c.name)).all()
                raise _unknown(name, version, list(names))
        return _stored(found[0])

    def versions_in_use(self) -> list[tuple[str, int]]:
        """The newest version of each workflow, and those of requests that may still move, by name and number."""
        open_ = is_one_of(requests.c.status, *sorted(ACTIONABLE))
        of_requests = select(requests.c.workflow, requests.c.workflow_version).where(open_).distinct()
        with self._database.reading() as connection:
            found = [*connection.execute(_NEWEST), *connection.execute(of_requests)]
        return sorted({(name, version) for name, version in found})

    def workflows(self) -> list[NewestVersion]:
        """The newest version of each workflow, by name."""
        last = _NEWEST.subquery()
        light = select(*(workflows.c[field] for field in NewestVersion._fields)).join(
            last, (workflows.c.name == last.c.name) & (workflows.c.version == last.c.version)
        )
        with self._database.reading() as connection:
            return [NewestVersion._make(row) for row in connection.execute(light.order_by(workflows.c.name))]


def _holds(text: str, document: dict[str, Any]) -> bool:
    """Publishing anew mends a row that a hand has damaged, whatever digest stands beside it."""
    with suppress(DamagedValue):
        return bool(stored_json(text, "a definition") == document)
    return False


def _stored(row: Sequence[Any]) -> StoredWorkflow:
    name, version, app, document, digest, published_at = row
    try:
        return StoredWorkflow(name, version, app, stored_json(document, "a definition"), digest, published_at)
    except DamagedValue:
        raise UnreadableVersion(name, version) from None


def _unknown(name: str, version: int | None, names: list[str]) -> NotFound:
    if name in names:
        return NotFound("version", version, f"`retrigger workflow list` shows the versions of {name}.")
    known = f"Published are: {nearest_first(name, names)}." if names else "None is published yet."
    return NotFound("workflow", name, known)
