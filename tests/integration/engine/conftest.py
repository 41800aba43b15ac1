from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.engine import Room
from tests.support.outside import Outside


@pytest.fixture
def outside() -> Iterator[Outside]:
    """The outside systems, all of them up. However a test broke them: in the end nothing was done twice."""
    outside = Outside()
    yield outside
    outside.stop()
    outside.check_no_effect_twice()


@pytest.fixture(scope="module")
def shared_outside() -> Iterator[Outside]:
    """The outside systems, shared by the tests of a module."""
    outside = Outside()
    yield outside
    outside.stop()
    outside.check_no_effect_twice()


@pytest.fixture(scope="module")
def shared_room(module_database_url: str, shared_outside: Outside) -> Iterator[Room]:
    """An engine that runs, shared by the tests of a module: they look at their own requests only. In the end every
    request is what its attempts and its audit say."""
    room = Room(module_database_url, shared_outside.connections)
    room.start()
    yield room
    room.check_audit()
    room.close()
