from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.outside import Outside


@pytest.fixture
def outside() -> Iterator[Outside]:
    """The outside systems, all of them up. However a test broke them: in the end nothing was done twice."""
    outside = Outside()
    yield outside
    outside.stop()
    outside.check_no_effect_twice()
