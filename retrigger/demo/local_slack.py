"""The local Slack as a running process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryFile, mkdtemp
from types import TracebackType
from typing import Any

import requests

from retrigger.demo import leash, ports
from retrigger.demo.local_slack_binary import LocalSlackUnavailable, provide

__all__ = ["LocalSlack", "LocalSlackUnavailable", "provide"]

START_SECONDS = 20.0
STOP_SECONDS = 5.0
TRIES = 3


class LocalSlack:
    """A local Slack with the given workspace, started at once; ``url`` is for people, ``api_url`` for Slack clients.

    It cannot be told to listen on the loopback only: while it runs, whoever reaches this machine reaches it, and it
    asks for no password. Its process and its folder are gone after ``stop``, and also when this process ends in any
    other way, ``kill -9`` included: a small companion process holds it on a pipe (see ``leash``). On Linux that holds
    when the companion itself is killed, too; elsewhere, killing both by force at the same moment leaves it running.

    Raises ``LocalSlackUnavailable`` when it does not start.
    """

    def __init__(self, program: Path, workspace: Mapping[str, Any], port: int = 0) -> None:
        # A mark of this very start: on a port lost to another demo, that one's server answers, and is not ours.
        self._domain = f"{workspace['workspace']['domain']}-{token_hex(4)}"
        marked = {**workspace, "workspace": {**workspace["workspace"], "domain": self._domain}}
        for _ in range(TRIES):
            number = ports.free_port(port)
            self.url = f"http://{ports.LOOPBACK}:{number}"
            self._start(program, marked, number)
            if self._answers():
                return
            self._end()
            said = self._said()
            if "EADDRINUSE" not in said:  # somebody took the port a moment ago: another one, then
                break
        raise LocalSlackUnavailable(f"{program} did not start: {_essence(said)}")

    @property
    def api_url(self) -> str:
        """The base URL that a Slack client is given."""
        return f"{self.url}/api/"

    @property
    def alive(self) -> bool:
        """It is still running."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End it, and remove what it kept on disk. May be called twice."""
        self._end()
        self._log.close()

    def __enter__(self) -> LocalSlack:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, program: Path, workspace: Mapping[str, Any], port: int) -> None:
        folder = Path(mkdtemp(prefix="retrigger-slack-"))
        config = folder / "workspace.json"
        config.write_text(json.dumps(workspace), encoding="utf-8")
        command = [str(program), "--config", str(config), "--port", str(port), "--base-host", ports.LOOPBACK]
        self._log = TemporaryFile()  # noqa: SIM115 - open as long as the process writes to it
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", leash.__file__, str(folder), *command],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(folder)},  # the files that people upload go with the folder
            start_new_session=True,  # Ctrl-C is for us: the bot ends first, and then what it talks to
        )

    def _end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        """Wait until it answers; False if it ended, or took too long."""
        with requests.Session() as session:
            session.trust_env = False  # a proxy of this user's knows nothing of this machine's loopback
            deadline = time.monotonic() + START_SECONDS
            while self.alive and time.monotonic() < deadline:
                try:
                    state = session.get(f"{self.url}/_control/state", timeout=0.5).json()
                    if state["workspace"]["domain"] == self._domain:
                        return True
                except (requests.RequestException, LookupError, TypeError):
                    pass
                time.sleep(0.02)
        return False

    def _said(self) -> str:
        with self._log as log:
            log.seek(0)
            return log.read().decode(errors="replace")


def _essence(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("error:", "✗"))]
    return (errors or lines or [f"no answer in {START_SECONDS:.0f} s"])[-1]
