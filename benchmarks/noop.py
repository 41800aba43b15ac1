"""Retrigger on the same work as its peers: requests of five no-op function steps through the whole engine.

Run in a process of its own: ``python -m benchmarks.noop REQUESTS ISOLATION``, where ISOLATION is process or thread.
Prints the seconds from the first submit to the last completed request. SQLite with synchronous=FULL, as it runs by
default.
"""

from __future__ import annotations

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine.callbacks import Callbacks
from engine.catalog import Catalog
from engine.definition import load
from engine.functions import load_functions
from engine.isolation.pool import Processes
from engine.masking import Masker
from engine.permissions import Actor
from engine.runner import Runner
from engine.service import Engine
from engine.states import RequestStatus
from engine.tools import Tools
from engine.worker import Worker
from storage.database import open_database
from storage.migrations import upgrade
from storage.store import SqlStore

FUNCTIONS = ("benchmarks.functions",)
STEPS = 5
SUBMITTERS = 8
SOMEONE = Actor("bench@example.com", "Bench", "cli", mail="bench@example.com", owner=True)


def definition(isolation: str) -> str:
    """A line of no-op functions."""
    nodes = [
        f"  step_{place}: {{function: {{name: bench.no_op, args: {{place: {place}}}, isolation: {isolation}}}}}"
        for place in range(STEPS)
    ]
    return "\n".join(["workflow: no_op", "app: Bench", "nodes:", *nodes])


def main(requests: int, isolation: str) -> float:
    """Seconds for ``requests`` workflows."""
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{Path(folder) / 'bench.db'}")
        upgrade(database)
        catalog = Catalog(lambda name, version: store.workflow(name, version))
        store = SqlStore(database, catalog.graph, lambda app: False)
        engine = Engine(store, catalog)
        engine.publish(SOMEONE, load(definition(isolation), "no_op.yaml"))
        callbacks = Callbacks(None, store.installation_secret)
        tools = Tools(store, catalog, {}, callbacks, Masker(frozenset()), Processes(FUNCTIONS))
        worker = Worker(store, Runner(tools), name="bench", lease=5.0, exclusive=True)
        load_functions(FUNCTIONS)
        worker.start()
        _run(engine, store, 1)  # the first one warms everything up
        begin = time.perf_counter()
        _run(engine, store, requests)
        seconds = time.perf_counter() - begin
        worker.stop()
        store.close()
        database.close()
        return seconds


def _run(engine: Engine, store: SqlStore, requests: int) -> None:
    before = store.counts().get(RequestStatus.COMPLETED, 0)
    with ThreadPoolExecutor(SUBMITTERS) as pool:
        for submitted in [pool.submit(engine.submit, SOMEONE, "no_op", {}) for _ in range(requests)]:
            submitted.result()
    while store.counts().get(RequestStatus.COMPLETED, 0) < before + requests:
        time.sleep(0.005)


if __name__ == "__main__":
    print(main(int(sys.argv[1]), sys.argv[2]))
