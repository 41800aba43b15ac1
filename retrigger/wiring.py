"""The composition root: what the settings name is opened and put together here, and nowhere else."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from engine.callbacks import Callbacks
from engine.catalog import Catalog
from engine.commands.service import Engine
from engine.executors.port import NewExecutor
from engine.functions import load_functions
from engine.nodes.connections import Connection
from retrigger import distributed
from retrigger.settings import Settings
from storage.bulks import SqlBulks
from storage.causes import SqlCauses
from storage.database import Database, open_database
from storage.outbox import SqlOutbox
from storage.removals import SqlRemovals
from storage.retention import SqlRetention
from storage.store import SqlStore


class Bell:
    """Rung after each commit that left something to tell; whoever tells it sets ``answer``."""

    def __init__(self) -> None:
        self.answer: Callable[[], None] = lambda: None

    def ring(self) -> None:
        self.answer()


@dataclass(frozen=True)
class App:
    """Everything that is open. ``secrets`` must never be shown, at any door."""

    settings: Settings
    database: Database
    store: SqlStore
    outbox: SqlOutbox
    causes: SqlCauses
    bulks: SqlBulks
    removals: SqlRemovals
    retention: SqlRetention
    catalog: Catalog
    engine: Engine
    connections: dict[str, Connection]
    callbacks: Callbacks
    secrets: frozenset[str]
    bell: Bell

    def close(self) -> None:
        """Write what waits, and close the database and the pooled sockets."""
        self.store.close()
        self.database.close()
        for connection in self.connections.values():
            connection.close()

    def __enter__(self) -> App:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_app(settings: Settings, database: Database | None = None) -> App:
    """Open what the settings name. Raises StorageError when the database cannot be used or its tables are not there."""
    if database is None:
        database = open_migrated(settings)
    channels, bell = settings.channels, Bell()
    store = SqlStore(
        database,
        lambda name, version: catalog.graph(name, version),
        channels.__contains__,
        bell.ring,
        distributed.new_jobs() if settings.distributed else None,
    )
    catalog = Catalog(store.workflow)
    connections = connections_of(settings)
    hidden = secrets_of(settings, connections)
    callbacks = Callbacks(settings.api.public_url, store.installation_secret)
    engine = Engine(store, catalog, settings.file_grants, hidden, callbacks)
    beside = SqlOutbox(store), SqlCauses(store), SqlBulks(store), SqlRemovals(store), SqlRetention(store)
    return App(settings, database, store, *beside, catalog, engine, connections, callbacks, hidden, bell)


def open_migrated(settings: Settings) -> Database:
    """The database, refused with a sentence unless its tables are those of this version."""
    database = open_database(settings.database_url)
    try:
        check_tables(settings, database)
    except BaseException:
        database.close()
        raise
    return database


def check_tables(settings: Settings, database: Database) -> None:
    """Raise StorageError, with what to do, unless the tables are those of this version."""
    from storage import migrations  # most commands need it not

    migrations.check(database)
    if settings.distributed:
        distributed.check_tables(database)


def upgrade_tables(settings: Settings, database: Database) -> bool:
    """Make the tables, or bring them up to date. False when nothing was to be done. Raises StorageError."""
    from storage import migrations

    changed = migrations.upgrade(database)
    return (settings.distributed and distributed.upgrade_tables(database)) or changed


def new_executor(settings: Settings, store: SqlStore) -> NewExecutor:
    """What runs the steps."""
    from engine.executors.apscheduler import ApschedulerExecutor

    return distributed.new_executor(store, settings.lease) if settings.distributed else ApschedulerExecutor


def connections_of(settings: Settings) -> dict[str, Connection]:
    """By name. They open nothing until they are used."""
    return {name: Connection(name, entry) for name, entry in settings.connections.items()}


def secrets_of(settings: Settings, connections: dict[str, Connection]) -> frozenset[str]:
    """Every secret that this process knows: Slack's, the connections', and the database's password."""
    found = set(settings.slack.secrets)
    for connection in connections.values():
        found |= connection.secrets()
    return frozenset((found | {_password(settings.database_url)}) - {""})


def _password(database_url: str) -> str:
    """PostgreSQL's, from the address or from where libpq takes it; else an empty text."""
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):  # whoever opens it says what is wrong with it
        return ""
    if url.get_backend_name() == "sqlite":
        return ""
    return url.password or str(url.query.get("password") or os.environ.get("PGPASSWORD", ""))


def load_own_functions(settings: Settings) -> None:
    """Import the modules of the settings' ``functions``, which may lie beside the settings file. Raises
    SettingsError."""
    folder = str(settings.folder)
    if folder not in sys.path:
        sys.path.append(folder)
    load_functions(settings.functions)


def worker_name() -> str:
    """Unique to this boot, and telling where it ran."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
