"""A local Slack for tests: the server that the demo uses, each on a port of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

WAIT = 20.0  # seconds until a start counts as failed; half a second is usual


class LocalSlack(NamedTuple):
    """``url`` is the page a person opens, ``api_url`` what a Slack client takes as its base."""

    url: str
    api_url: str


StartLocalSlack = Callable[[Mapping[str, Any]], LocalSlack]


@pytest.fixture(scope="session")
def local_slack_binary() -> Path:
    """RETRIGGER_LOCAL_SLACK, or what the demo would fetch."""
    given = os.environ.get("RETRIGGER_LOCAL_SLACK")
    if given:
        return Path(given)
    from retrigger.demo.local_slack import provide

    return provide()


@pytest.fixture
def start_local_slack(local_slack_binary: Path, tmp_path: Path) -> Iterator[StartLocalSlack]:
    """Starts a server with the given config (local-slack's own format), and ends it with the test."""
    servers: list[subprocess.Popen[bytes]] = []

    def start(config: Mapping[str, Any]) -> LocalSlack:
        folder = tmp_path / f"local-slack-{len(servers)}"
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(config))
        output = folder / "output.txt"
        with output.open("wb") as sink:
            command = [local_slack_binary, "--config", "config.json", "--port", "0", "--base-host", "127.0.0.1"]
            servers.append(subprocess.Popen(command, cwd=folder, stdout=sink, stderr=sink))
        return _address(servers[-1], output)

    yield start
    for server in servers:
        server.terminate()
        server.wait(WAIT)


def _address(server: subprocess.Popen[bytes], output: Path) -> LocalSlack:
    """Wait for the line that names the page; by then the server answers."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline and server.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:\d+", output.read_text())
        if found:
            return LocalSlack(found[0], f"{found[0]}/api/")
        time.sleep(0.02)
    raise RuntimeError(f"local-slack did not start: {output.read_text()}")
