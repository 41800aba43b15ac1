from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.front import Front, Process

StartProcess = Callable[..., Process]
WAITING = "workflow: waiting\napp: HR\nnodes: {wait: {function: {name: front.wait, args: {folder: FOLDER}}}}\n"


@pytest.fixture
def front(tmp_path: Path) -> Front:
    """A folder with settings and a workflow, on SQLite; nothing is migrated or published yet."""
    return Front(tmp_path, "sqlite:///retrigger.db")


@pytest.fixture
def running(front: Front) -> Iterator[Front]:
    """The same with an engine at work."""
    with front.engine():
        yield front


@pytest.fixture
def still(front: Front) -> Front:
    """The same with tables and the workflow, and no engine."""
    with front.engine():
        pass
    return front


@pytest.fixture
def start(front: Front) -> Iterator[StartProcess]:
    """Starts the command as a process; it ends with the test."""
    with ExitStack() as started:

        def start(*words: str, **environment: str) -> Process:
            process = Process(front.folder, *words, **environment)
            started.callback(process.close)
            return process

        yield start
