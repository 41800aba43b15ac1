from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from engine.commands.documents import StepDocument
from tests.support.engine import Room
from tests.support.outside import Outside, outside_systems
from tests.support.poll import wait_until
from tests.support.processes import EngineProcess, marked
from tests.support.waiting import WAITING, Folder

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


@pytest.fixture
def folder(room: Room, tmp_path: Path) -> Folder:
    """By which requests of the workflow that waits are let go."""
    room.publish(WAITING)
    return Folder(tmp_path / "folder")


def outcomes(step: StepDocument) -> list[tuple[str, str | None]]:
    return [(attempt.kind.value, attempt.outcome and attempt.outcome.value) for attempt in step.attempts]


def check_each_death_counts_once(
    room: Room, folder: Folder, first: EngineProcess, start_engine: StartEngine, lease: float
) -> None:
    """``first`` is killed at its steps, and two others find it."""
    numbers = [room.submit("waiting", folder.input) for _ in range(20)]
    folder.wait_for_starts(20)
    for name in ("second", "third"):
        start_engine(lease=lease, name=name)
    first.kill()
    folder.wait_for_starts(40)
    folder.let_go()
    for number in numbers:
        document = room.wait(number, "completed")
        assert outcomes(document.steps[0]) == [("initial", "lost"), ("recovery", "succeeded")]
        assert document.steps[0].recoveries == 1
        assert [event.kind for event in document.events].count("worker_lost") == 1
    assert len(folder.started()) == 40
