"""Where the bot's token may go, and what a chosen file must be."""

from __future__ import annotations

import socket

import pytest
from slack_sdk import WebClient

from bot.files import is_slacks, read_file
from bot.targets import ChosenFile
from engine.errors import InvalidInput
from tests.support.tcp import read_request, tcp_server

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


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n12",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n12",
        b"this is no HTTP\r\n\r\n",
    ],
    ids=["length", "chunks", "other"],
)
def test_a_file_of_which_only_a_part_came_is_not_taken_for_all(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve is no part of 1234 that anybody meant."""

    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(answer)

    with (
        tcp_server(talk) as base,
        pytest.raises(InvalidInput, match=r"result\.json could not be fetched: .*Please try again"),
    ):
        fetch(base, monkeypatch)


def test_no_redirect_takes_the_token_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[bytes] = []

    def elsewhere(connection: socket.socket) -> None:
        came.append(read_request(connection))

    def leads_away(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(f"HTTP/1.1 302 Found\r\nLocation: {evil}/\r\nContent-Length: 0\r\n\r\n".encode())

    with (
        tcp_server(elsewhere) as evil,
        tcp_server(leads_away) as base,
        pytest.raises(InvalidInput, match="could not be fetched: Slack answers HTTP 302"),
    ):
        fetch(base, monkeypatch)
    assert came == []


def test_the_page_to_sign_in_at_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack's answer, with 200, to an app that may not read files."""

    def sign_in(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}")

    with tcp_server(sign_in) as base, pytest.raises(InvalidInput, match="the app lacks the scope files:read"):
        fetch(base, monkeypatch)


def fetch(base: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The file that Slack says is kept at ``base``."""
    client = WebClient("xoxb-0", base_url=f"{base}/api/")
    facts = {"file": {"url_private": f"{base}/result.json"}}
    monkeypatch.setattr(client, "files_info", lambda **_: facts)
    return read_file(client, ChosenFile("F1", "result.json"))
