from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from engine.nodes.deadline_adapter import DeadlineAdapter


@pytest.fixture
def adapter() -> Iterator[DeadlineAdapter]:
    with contextlib.closing(DeadlineAdapter()) as adapter:
        yield adapter
