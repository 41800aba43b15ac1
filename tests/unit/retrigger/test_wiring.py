from __future__ import annotations

import pytest

from retrigger.settings_file import read_settings
from retrigger.wiring import secrets_of


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("postgresql://me:of-the-address@db/x", {"of-the-address"}),
        ("postgresql://me@db/x?password=of-its-options", {"of-its-options"}),
        ("postgresql://me@db/x", {"of-libpq"}),
        ("sqlite:///x.db", set()),
    ],
)
def test_the_database_s_password_is_a_secret_wherever_it_comes_from(
    monkeypatch: pytest.MonkeyPatch, url: str, secrets: set[str]
):
    monkeypatch.setenv("PGPASSWORD", "of-libpq")

    assert secrets_of(read_settings(None, {"RETRIGGER_DATABASE_URL": url}), {}) == secrets
