"""A small Slack of ours for tests: Web API, Socket Mode and signed HTTP, with people who click and faults to order.

Served for real on 127.0.0.1, so that slack_sdk and Bolt speak to it through ``base_url``. What it refuses, it refuses
as Slack does, and keeps in ``SlackServer.refused``.
"""

from tests.support.slack_server.faults import (
    FAULTS,
    LOST_ANSWER,
    LOST_CALL,
    RESET,
    Answer,
    Fault,
    Hold,
    broken,
    rate_limited,
    refuse,
)
from tests.support.slack_server.person import Person
from tests.support.slack_server.server import SLACKS, SlackServer

__all__ = [
    "FAULTS",
    "LOST_ANSWER",
    "LOST_CALL",
    "RESET",
    "SLACKS",
    "Answer",
    "Fault",
    "Hold",
    "Person",
    "SlackServer",
    "broken",
    "rate_limited",
    "refuse",
]
