"""A relay before a Slack in memory."""

from __future__ import annotations

import pytest

from tests.unit.bot import samples
from tests.unit.bot.fakes import Office


@pytest.fixture
def office() -> Office:
    return Office(one=samples.request(samples.step()), two=samples.request(samples.step(), id="REQ-43", app="IT"))
