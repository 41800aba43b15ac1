"""Where the bot's token may go, and what a chosen file must be."""

from __future__ import annotations

import pytest

from bot.files import is_slacks

SLACK, LOCAL = "https://slack.com/api/", "http://127.0.0.1:8901/api/"


@pytest.mark.parametrize(
    ("address", "base_url", "may"),
    [
        ("https://files.slack.com/files-pri/T1-F1/download/a.json", SLACK, True),
        ("https://acme.enterprise.slack.com/files/a.json", SLACK, True),
        ("https://slack-files.com/T1-F1", SLACK, True),
        ("http://files.slack.com/files-pri/T1-F1/a.json", SLACK, False),
        ("https://files.slack.com:8443/a.json", SLACK, False),
        ("https://files.slack.com@evil.example/a.json", SLACK, False),
        ("https://evilslack.com/a.json", SLACK, False),
        ("https://slack.com.evil.example/a.json", SLACK, False),
        ("http://127.0.0.1:8901/files-pri/a.json", LOCAL, True),
        ("http://127.0.0.1:8902/files-pri/a.json", LOCAL, False),
        ("https://docs.google.com/a.json", LOCAL, False),
        ("file:///etc/passwd", LOCAL, False),
        ("", SLACK, False),
        ("https://[", SLACK, False),
    ],
)
def test_the_token_goes_to_slack_and_to_nobody_else(address: str, base_url: str, may: bool) -> None:
    assert is_slacks(address, base_url) is may
