from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.conftest import ENGINES
from tests.integration.engine.onboarding import ONBOARDING
from tests.support import executors
from tests.support.engine import Room
from tests.support.outside import Outside, outside_systems
from tests.support.processes import EngineProcess

OpenRoom = Callable[..., Room]
StartEngine = Callable[..., EngineProcess]


@pytest.fixture
def outside() -> Iterator[Outside]:
    with outside_systems() as outside:
        yield outside


@pytest.fixture
def onboarding(database_url: str, outside: Outside) -> Iterator[Room]:
    """An engine that runs tests/integration/engine/onboarding.py."""
    with closing(Room(database_url, outside.connections)) as room:
        room.publish(ONBOARDING)
        room.start()
        yield room


@pytest.fixture(scope="module")
def shared_outside() -> Iterator[Outside]:
    """Shared by the tests of a module."""
    with outside_systems() as outside:
        yield outside


@pytest.fixture(scope="module", params=ENGINES)
def shared_room(
    request: pytest.FixtureRequest, new_module_url: Callable[[str], str], shared_outside: Outside
) -> Iterator[Room]:
    """An engine that runs, with either executor, shared by the tests of a module: they look at their own requests only.
    In the end every request is what its attempts and its audit say."""
    with executors.chosen(request.param):  # not longer: other tests of the module have engines of their own
        room = Room(new_module_url(request.param), shared_outside.connections)
        room.start()
    with closing(room):
        yield room
        room.check_audit()


@pytest.fixture
def open_room() -> Iterator[OpenRoom]:
    """Opens rooms, which are closed when the test is over, however it ends: the last one first."""
    with ExitStack() as rooms:
        yield lambda *facts, **options: rooms.enter_context(closing(Room(*facts, **options)))


@pytest.fixture
def start_engine(tmp_path: Path) -> Iterator[StartEngine]:
    """Starts engines as processes of their own, which end with the test."""
    with ExitStack() as engines:

        def start(url: str, connections: Mapping[str, str], **options: object) -> EngineProcess:
            return engines.enter_context(
                closing(EngineProcess(url, connections, tmp_path / "engine.log", "", **options))
            )

        yield start
