from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.engine import Room
from tests.support.outside import Outside, outside_systems
from tests.support.poll import wait_until
from tests.support.processes import EngineProcess, marked

StartEngine = Callable[..., EngineProcess]


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    """With a ledger that is long enough for a storm."""
    monkeypatch.setattr("retrigger.demo.outside_systems.LEDGER_LENGTH", 1_000_000)
    with outside_systems() as outside:
        yield outside


@pytest.fixture
def room(database_url: str, outside: Outside) -> Iterator[Room]:
    """The doors of an engine; whoever runs its steps is another process. However a test broke things: in the end every
    request is what its attempts and its audit say."""
    with closing(Room(database_url, outside.connections)) as room:
        yield room
        room.check_audit()


@pytest.fixture
def start_engine(database_url: str, room: Room, outside: Outside, tmp_path: Path) -> Iterator[StartEngine]:
    """Starts engines as processes of their own. However they end, nothing that they have started is left behind."""
    mark = uuid.uuid4().hex
    with ExitStack() as started:

        def start(url: str = database_url, **options: object) -> EngineProcess:
            engine = EngineProcess(url, outside.connections, tmp_path / "engine.log", mark, **options)
            return started.enter_context(closing(engine))

        yield start
    wait_until(lambda: not marked(mark), "the end of every process that the engines had started")
