"""An engine as a process of its own, to be killed: ``python -m tests.support.worker_process URL ...``.

It prints READY and how many steps it recovered once it runs. SIGTERM stops it cleanly: it prints DRAINED
when it takes nothing more.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from contextlib import suppress
from threading import Thread

from engine.callbacks import Callbacks
from engine.catalog import Catalog
from engine.causes.runner import BulkRunner
from engine.commands.service import Engine
from engine.errors import RetriggerError, StorageError
from engine.functions import load_functions
from engine.isolation.pool import Processes
from engine.nodes.connections import Connection, ConnectionSettings
from engine.values.masking import Masker
from engine.worker.process_identity import this_process
from engine.worker.runner import Runner
from engine.worker.tools import Tools
from engine.worker.worker import Worker
from retrigger.stopping import BEYOND, Stopping
from storage.bulks import SqlBulks
from storage.database import open_database
from storage.lock import EngineLock
from storage.store import SqlStore
from tests.support import executors
from tests.support.engine import GRANTS


def main() -> int:
    Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    arguments = _arguments()
    stopping = Stopping()
    load_functions(arguments.functions)
    database = open_database(arguments.url)
    lock = EngineLock(database) if database.is_sqlite else None  # let go of when nothing refers to it any more
    if lock is not None:
        lock.acquire()
    store = SqlStore(
        database,
        lambda name, version: catalog.graph(name, version),
        set(arguments.told).__contains__,
        jobs=executors.new_jobs(),
    )
    catalog = Catalog(store.workflow)
    connections = {
        name: Connection(name, ConnectionSettings(base_url=url))
        for name, url in (pair.split("=", 1) for pair in arguments.connection)
    }
    callbacks = Callbacks(arguments.public_url, store.installation_secret)
    processes = Processes(arguments.functions)
    runner = Runner(Tools(store, catalog, connections, callbacks, Masker(frozenset()), processes))
    name = f"{arguments.name}-{os.getpid()}-{secrets.token_hex(3)}"
    worker = Worker(
        store,
        runner,
        name=name,
        lease=arguments.lease,
        slots=arguments.slots,
        exclusive=database.is_sqlite,
        process=this_process() if arguments.machine is None else None,
        executor=executors.new_executor(store, arguments.lease),
    )
    engine = Engine(store, catalog, GRANTS, callbacks=callbacks)
    worker.also(arguments.bulk_turn, BulkRunner(engine, SqlBulks(store), name).turn, "bulk")
    ready = f"READY {worker.start()}"  # written at once: a step may kill this process at any moment
    print(ready, flush=True)  # noqa: T201  # the parent reads it
    stopping.wait()
    stopping.allow(arguments.grace + BEYOND)
    with suppress(StorageError):
        worker.drain()
    print("DRAINED", flush=True)  # noqa: T201  # the same
    clean = worker.stop(grace=arguments.grace)
    store.close()
    database.close()
    if not clean:
        os._exit(0)
    return 0


def _end_with(parent: int) -> None:
    """A run that is killed ends no engine."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--connection", action="append", default=[], help="name=base_url")
    parser.add_argument("--functions", action="append", default=["tests.support.deadly_functions"])
    parser.add_argument("--name", default="child")
    parser.add_argument("--machine", help="another one than this: whether it is alive cannot be seen from here")
    parser.add_argument("--told", action="append", default=[], help="an application that has a channel")
    parser.add_argument("--bulk_turn", type=float, default=0.2)
    parser.add_argument("--lease", type=float, default=5.0)
    parser.add_argument("--slots", type=int, default=32)
    parser.add_argument("--public_url", default=None)
    parser.add_argument("--grace", type=float, default=10.0)
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RetriggerError as error:
        sys.exit(str(error))
