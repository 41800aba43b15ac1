"""Retrigger, as `retrigger worker` runs it, or with the engine in the process of the client.

Variants: ``thread`` and ``process`` are the isolation of its no-op functions; with ``, procrastinate`` that is the
executor, with ``, 64 slots`` how many steps run at once. SQLite with synchronous=FULL, as it runs by default, or
PostgreSQL.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.retrigger_worker import own_settings
from engine.rules.permissions import Actor
from engine.states import RequestStatus
from retrigger.publishing import publish_all
from retrigger.settings import Settings
from retrigger.settings_file import read_settings
from retrigger.up import Running, keep_what_is_loaded
from retrigger.wiring import App, load_own_functions, open_app, upgrade_tables
from storage.database import open_database

SOMEONE = Actor("bench@example.com", "Bench", "cli", mail="bench@example.com", owner=True)


class Client:
    """Submits as the HTTP API does."""

    def __init__(self, app: App, workflow: str) -> None:
        self._app, self._workflow = app, workflow

    def submit(self) -> None:
        self._app.engine.submit(SOMEONE, self._workflow, {})

    def done(self) -> int:
        return self._app.store.counts().get(RequestStatus.COMPLETED, 0)

    def hang(self, file: str) -> None:
        self._app.engine.submit(SOMEONE, "hangs", {"file": file})


@contextmanager
def client(url: str, variant: str, *, embedded: bool) -> Iterator[Client]:
    """See benchmarks.systems."""
    with tempfile.TemporaryDirectory() as folder:
        file = own_settings(Path(folder), url, variant)
        with opened(file, running=embedded) as app:
            yield Client(app, variant.partition(",")[0])


@contextmanager
def opened(file: Path, *, running: bool) -> Iterator[App]:
    """What the settings name, with its tables and workflows; ``running``: an engine is at work in this process."""
    settings = read_settings(file, {})
    _make(settings)
    if not running:
        with open_app(settings) as app:
            yield app
        return
    engine = Running(settings, lambda said: None)
    try:
        app = engine.start(engine=True)
        keep_what_is_loaded()  # as `retrigger up` does
        yield app
    finally:
        engine.stop()


def _make(settings: Settings) -> None:
    database = open_database(settings.database_url)
    upgrade_tables(settings, database)
    database.close()
    load_own_functions(settings)
    with open_app(settings) as app:
        publish_all(settings, app.store)
