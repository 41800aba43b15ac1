"""A whole engine for a test: database, store, commands, and a worker that can be started, stopped and forgotten."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import update

from engine.audit.walk import walk
from engine.callbacks import Callbacks
from engine.catalog import Catalog
from engine.causes.runner import BulkRunner
from engine.commands.documents import RequestDocument, StepDocument
from engine.commands.service import Engine
from engine.definition import load
from engine.isolation.pool import Processes
from engine.nodes.connections import Connection, ConnectionSettings
from engine.rules.permissions import Actor, Grant, Permission
from engine.values.masking import Masker
from engine.worker.runner import Runner
from engine.worker.tools import Tools
from engine.worker.worker import Worker
from storage.bulks import SqlBulks
from storage.database import open_database
from storage.migrations import upgrade
from storage.store import SqlStore
from storage.tables import WAKING, steps
from tests.support import executors
from tests.support.poll import PATIENCE

HANNA = Actor("slack:T1/U1", "Hanna Lead", "slack", mail="hanna@example.com", slack_user="U1")
VERA = Actor("slack:T1/U3", "Vera Viewer", "slack", mail="vera@example.com", slack_user="U3")
GRANTS = (Grant("hanna@example.com", Permission.ADMIN), Grant("vera@example.com", Permission.VIEW_REPORTS))

PUBLIC_URL = "https://retrigger.example.com"

_boots = itertools.count(1)


class Room:
    """``connections`` gives the base URL of each outside system; ``told``: the applications that have a channel."""

    def __init__(self, url: str, connections: Mapping[str, str] | None = None, told: Collection[str] = ()) -> None:
        self.database = open_database(url)
        upgrade(self.database)
        executors.upgrade_tables(self.database)
        self.catalog = Catalog(lambda name, version: self.store.workflow(name, version))
        self.store = SqlStore(self.database, self.catalog.graph, told.__contains__, jobs=executors.new_jobs())
        self.bulks = SqlBulks(self.store)
        self.callbacks = Callbacks(PUBLIC_URL, self.store.installation_secret)
        self.engine = Engine(self.store, self.catalog, GRANTS, callbacks=self.callbacks)
        self.connections = {
            name: Connection(name, ConnectionSettings(base_url=base)) for name, base in (connections or {}).items()
        }
        self.worker: Worker | None = None
        self.present: Callable[[Actor], Actor] = lambda person: person  # who began a bulk re-trigger, as they are now
        self.meddled: set[int] = set()  # requests that the test itself changed by other means than the rules

    def publish(self, text: str) -> int:
        version, _ = self.engine.publish(HANNA, load(text, "test.yaml"))
        return version

    def submit(self, workflow: str, input: Any = None, **facts: Any) -> int:
        number, _ = self.engine.submit(HANNA, workflow, input or {}, **facts)
        return number

    def start(self, functions: Sequence[str] = (), bulk_turn: float = 0.2, **facts: Any) -> Worker:
        """Start a worker, as a new boot would. ``functions``: the modules of those that run in processes."""
        runner = Runner(self.tools(functions))
        settings = {"name": f"boot-{next(_boots)}", "lease": 5.0, "exclusive": self.database.is_sqlite, **facts}
        executor = executors.new_executor(self.store, settings["lease"])
        self.worker = Worker(self.store, runner, executor=executor, **settings)
        bulk = BulkRunner(self.engine, self.bulks, settings["name"], lambda person: self.present(person))
        self.worker.also(bulk_turn, bulk.turn, "bulk")
        self.worker.start()
        return self.worker

    def tools(self, functions: Sequence[str] = ()) -> Tools:
        """What a worker's steps work with."""
        masker, processes = Masker(frozenset()), Processes(functions)
        return Tools(self.store, self.catalog, self.connections, self.callbacks, masker, processes)

    def close(self) -> None:
        """Once more than needed does nothing."""
        worker, self.worker = self.worker, None
        if worker is not None:
            worker.stop(grace=2.0)
        self.store.close()
        self.database.close()
        for connection in self.connections.values():
            connection.close()

    def end_waits(self, *numbers: int) -> None:
        """The time of what these requests wait for is over, as the next sweep finds; too early, by their history."""
        self.meddled.update(numbers)
        over = update(steps).where(WAKING, steps.c.request_id.in_(numbers)).values(wakes_at=0.0)
        with self.database.writing() as connection:
            connection.execute(over)

    def check_audit(self) -> None:
        """Whatever has happened here, every request is what its history says; those that were meddled with are not. And
        nothing looks as if a hand had emptied what moves a step, which the engine would set right."""
        audited = list(walk(self.store, self.catalog.graph))
        found = [difference for it in audited for difference in it.found]
        assert {it.request_id for it in found} == self.meddled, [it.sentence for it in found]
        assert self.store.mend() == 0

    def document(self, number: int) -> RequestDocument:
        return self.engine.document(HANNA, number)

    def step(self, number: int, node: str) -> StepDocument:
        step = self.document(number).step(node)
        assert step is not None
        return step

    def wait(
        self, number: int, until: str | Callable[[RequestDocument], bool], seconds: float = PATIENCE
    ) -> RequestDocument:
        """The request once it has the status (or meets the condition); fails with its Progress Path."""
        meets = (lambda d: d.status.value == until) if isinstance(until, str) else until
        end = time.monotonic() + seconds
        while True:
            document = self.document(number)
            if meets(document):
                return document
            if time.monotonic() > end:
                path = [(s.node, s.status.value, s.error, [a.outcome for a in s.attempts]) for s in document.steps]
                raise AssertionError(f"{document.id} is {document.status}, {document.reason}: {path}")
            time.sleep(0.01)
