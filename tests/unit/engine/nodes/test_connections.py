from __future__ import annotations

from base64 import b64encode

import pytest
from pydantic import ValidationError

from engine.nodes.connections import Connection, ConnectionSettings, ConnectionUnusable
from engine.values.headers import header_problem

BASE = {"base_url": "http://127.0.0.1:8900"}


def connection(environ=None, **settings):
    return Connection(
        "identity", ConnectionSettings.model_validate(BASE | settings), {} if environ is None else environ
    )


def test_what_a_connection_has_when_nothing_is_said():
    settings = ConnectionSettings.model_validate(BASE)

    assert (settings.timeout, settings.idempotency_header, settings.headers) == (30.0, "Idempotency-Key", {})
    assert connection().auth_headers() == {}
    assert connection().problem() is None


def test_durations_are_written_as_in_definitions():
    assert ConnectionSettings.model_validate(BASE | {"timeout": "2m"}).timeout == 120.0


def test_a_file_of_certificates(tmp_path):
    (tmp_path / "ca.pem").touch()

    assert connection(ca_file=tmp_path / "ca.pem").adapter.trusted == str(tmp_path / "ca.pem")
    assert connection().adapter.trusted is True


@pytest.mark.parametrize(
    ("base_url", "path", "url"),
    [
        ("https://identity.example.com", "/accounts", "https://identity.example.com/accounts"),
        ("https://identity.example.com/", "/accounts", "https://identity.example.com/accounts"),
        ("http://[::1]:8900/v2/", "/accounts", "http://[::1]:8900/v2/accounts"),
    ],
)
def test_a_path_goes_below_the_base_url(base_url, path, url):
    assert connection(base_url=base_url).url(path) == url


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"base_url": "identity.example.com"}, "no address that paths can follow"),
        ({"idempotency_header": "Content-Length"}, "set by the engine"),
        ({"auth": {"header": "host", "header_env": "TOKEN"}}, "set by the engine"),
        ({"idempotency_header": "x-k", "auth": {"header": "X-K", "header_env": "TOKEN"}}, "in one header"),
        ({"idempotency_header": "authorization", "auth": {"bearer_env": "TOKEN"}}, "in one header"),
        ({"base_url": "ftp://identity.example.com"}, "no address"),
        ({"base_url": "https://"}, "no address"),
        ({"base_url": "https://a/?x=1"}, "no address"),
        ({"base_url": "https://a/#x"}, "no address"),
        ({"base_url": "https://a b/"}, "no address"),
        ({"base_url": "https://a\\@b/"}, "no address"),
        ({"base_url": "https://a:99999"}, "no address"),
        ({"base_url": "https://[::1"}, "no address"),
        ({"base_url": "https://ada:hunter22@a"}, "holds a password"),
        ({"timeout": 0}, "no time at all"),
        ({"timeout": "soon"}, "duration"),
        ({"auth": {}}, "one way"),
        ({"auth": {"bearer_env": "A", "basic_env": "B"}}, "one way"),
        ({"auth": {"header": "X-Key"}}, "lacks one of header and header_env"),
        ({"auth": {"header": "X Key", "header_env": "A"}}, "header"),
        ({"auth": {"token": "hunter22"}}, "Extra inputs"),
        ({"headers": {"Host": "evil.example.com"}}, "set by the engine"),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "line break"),
        ({"headers": {"X A": "1"}}, "header"),
        ({"retries": 3}, "Extra inputs"),
        ({"ca_file": "ca.pem"}, "whole path"),
        ({"ca_file": "/no/such/ca.pem"}, "whole path"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_used(settings, words):
    with pytest.raises(ValidationError, match=words) as raised:
        ConnectionSettings.model_validate(BASE | settings)
    assert "hunter22" not in raised.value.errors(include_input=False)[0]["msg"]


@pytest.mark.parametrize(
    ("auth", "secret", "headers", "secrets"),
    [
        ({"bearer_env": "TOKEN"}, "abcdef", {"Authorization": "Bearer abcdef"}, {"abcdef"}),
        ({"bearer_env": "TOKEN"}, "abcdef\n", {"Authorization": "Bearer abcdef"}, {"abcdef"}),
        (
            {"basic_env": "TOKEN"},
            "ada:hunter22",
            {"Authorization": f"Basic {b64encode(b'ada:hunter22').decode()}"},
            {"ada:hunter22", "hunter22"},
        ),
        ({"header": "X-Api-Key", "header_env": "TOKEN"}, "abcdef", {"X-Api-Key": "abcdef"}, {"abcdef"}),
    ],
)
def test_the_secret_comes_from_the_environment(auth, secret, headers, secrets):
    known = connection({"TOKEN": secret}, auth=auth)

    assert known.auth_headers() == headers
    assert known.secrets() == secrets
    assert known.problem() is None


def test_a_secret_is_read_when_it_is_needed():
    environ: dict[str, str] = {}
    known = connection(environ, auth={"bearer_env": "TOKEN"})
    assert known.problem()

    environ["TOKEN"] = "new"
    assert known.auth_headers() == {"Authorization": "Bearer new"}


@pytest.mark.parametrize("secret", [None, "", "  ", "two\nlines", "no\u2022latin"])
def test_a_secret_that_is_missing_or_cannot_be_sent_is_named_and_not_shown(secret):
    known = connection({} if secret is None else {"TOKEN": secret}, auth={"bearer_env": "TOKEN"})

    with pytest.raises(ConnectionUnusable, match=r"identity.*environment variable TOKEN") as raised:
        known.auth_headers()
    assert known.problem() == str(raised.value)
    assert "two" not in str(raised.value)
    assert "latin" not in str(raised.value)


@pytest.mark.parametrize(
    ("header", "reserved"),
    [
        ("Host", True),
        ("content-length", True),
        ("Transfer-Encoding", True),
        ("idempotency-key", True),
        ("x-api-key", True),
        ("Authorization", False),
        ("X-Trace", False),
        ("Content-Type", False),
    ],
)
def test_headers_that_a_definition_may_not_set(header, reserved):
    known = connection(auth={"header": "X-Api-Key", "header_env": "TOKEN"})

    assert known.reserved(header) is reserved


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "snow \u2603", "\x7f"])
def test_a_header_that_cannot_be_sent(value):
    problem = header_problem("X-A", value)
    assert problem
    assert value not in problem
    assert header_problem("X-A", "plain é\tvalue") is None
