import pytest

from retrigger.demo.local_slack_binary import PINS, platform_name, provide


@pytest.fixture(scope="session")
def local_slack_program():
    """The program of the local Slack, fetched when this machine does not have it yet."""
    if platform_name() not in PINS:
        pytest.skip(f"there is no checked local-slack for {platform_name()}")
    return provide(print)
