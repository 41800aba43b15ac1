"""Retrigger, as `retrigger worker` runs it, or with the engine in the process of the client.

Variants: ``thread`` and ``process`` are the isolation of its no-op functions; with ``, procrastinate`` that is the
executor. SQLite with synchronous=FULL, as it runs by default, or PostgreSQL.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measures import STEPS
from engine.permissions import Actor
from engine.states import RequestStatus
from retrigger.publishing import publish_all
from retrigger.settings import Settings
from retrigger.settings_file import read_settings
from retrigger.up import Running, keep_what_is_loaded
from retrigger.wiring import App, load_own_functions, open_app, upgrade_tables
from storage.database import open_database

SOMEONE = Actor("bench@example.com", "Bench", "cli", mail="bench@example.com", owner=True)
_SETTINGS = """
database_url: "{url}"
workflows: [workflows/]
functions: [benchmarks.functions]
executor: {executor}
api: {{port: 0}}
"""
_HANGS = """
workflow: hangs
app: Bench
nodes:
  hang: {function: {name: bench.ran, args: {file: "{{ request.input.file }}"}, timeout: 10m, isolation: thread}}
"""


def definition(isolation: str) -> str:
    """A line of no-op functions."""
    nodes = [
        f"  step_{place}: {{function: {{name: bench.no_op, args: {{place: {place}}}, isolation: {isolation}}}}}"
        for place in range(STEPS)
    ]
    return "\n".join([f"workflow: {isolation}", "app: Bench", "nodes:", *nodes])


def write_settings(folder: Path, url: str, executor: str, more: str = "", **workflows: str) -> Path:
    """A settings file with these workflows beside it."""
    (folder / "workflows").mkdir()
    for name, text in workflows.items():
        (folder / "workflows" / f"{name}.yaml").write_text(text)
    file = folder / "retrigger.yaml"
    file.write_text(_SETTINGS.format(url=url, executor=executor) + more)
    return file


def _settings(folder: Path, url: str, variant: str) -> Path:
    executor = "procrastinate" if variant.endswith("procrastinate") else "apscheduler"
    texts = {isolation: definition(isolation) for isolation in ("thread", "process")}
    return write_settings(folder, url, executor, hangs=_HANGS, **texts)


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
        file = _settings(Path(folder), url, variant)
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


def work(url: str, variant: str) -> None:
    """The real command takes the place of this process."""
    with tempfile.TemporaryDirectory() as folder:
        file = _settings(Path(folder), url, variant)
        os.execv(sys.executable, [sys.executable, "-m", "retrigger", "--config", str(file), "worker"])
