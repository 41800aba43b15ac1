"""Published workflow versions, parsed once and kept: a published version never changes (SPEC 1)."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from engine.definition import Workflow
from engine.errors import UnreadableVersion
from engine.graph import Graph
from engine.stored import StoredWorkflow


class Published(NamedTuple):
    """A version, ready to run."""

    workflow: Workflow
    version: int


class Catalog:
    """``read`` gives a stored version, the newest when none is named; it raises NotFound."""

    def __init__(self, read: Callable[[str, int | None], StoredWorkflow]) -> None:
        self._read = read
        self._known: dict[tuple[str, int], Published] = {}
        self._newest: dict[str, Published] = {}
        self._lock = Lock()

    def get(self, name: str, version: int | None = None) -> Published:
        """A version of a workflow. Asks the database only for what it does not know, and for the newest.

        Raises NotFound, UnreadableVersion."""
        if version is not None and (known := self._known.get((name, version))) is not None:
            return known
        stored = self._read(name, version)
        with self._lock:
            key = (name, stored.version)
            if key not in self._known:
                self._known[key] = _parsed(stored)
            if version is None:
                self._newest[name] = self._known[key]
            return self._known[key]

    def newest_known(self, name: str) -> Published:
        """The newest version as far as this process knows, which another may have left behind by now."""
        return self._newest.get(name) or self.get(name)

    def graph(self, name: str, version: int) -> Graph:
        """The graph of a version."""
        return self.get(name, version).workflow.graph


def _parsed(stored: StoredWorkflow) -> Published:
    """It was checked when it was published; by another Retrigger, perhaps, or a hand has changed it since."""
    try:
        workflow = Workflow.from_document(stored.document)
        _ = workflow.graph  # kept from now on
    except Exception as error:
        raise UnreadableVersion(stored.name, stored.version) from error
    return Published(workflow, stored.version)
