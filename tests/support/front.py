"""The front door for tests: a folder with settings and workflows, the command in it, and an engine to start there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from retrigger.cli import command
from retrigger.settings_file import read_settings
from retrigger.up import Running
from tests.support.poll import PATIENCE, wait_until

ROOT = Path(__file__).parents[2]
HANNA = "hanna@example.com"
STEPS = """
workflow: steps
app: HR
title: "Steps for {{ request.input.name }}"
input_schema: {type: object, required: [name]}
nodes:
  first: {function: {name: front.work, args: {folder: "{{ constants.fine }}"}, isolation: thread}}
  second:
    function: {name: front.work, args: {folder: "{{ constants.folder }}"}, isolation: thread}
    result_schema: {type: object, required: [done]}
  third: {function: {name: front.work, args: {folder: "{{ constants.fine }}"}, isolation: thread}}
constants: {folder: FOLDER, fine: FOLDER/fine}
"""
SETTINGS = """
database_url: DATABASE
workflows: [workflows/]
functions: [tests.support.front_functions]
lease: 10s
"""


class Front:
    """``environment`` is all that the command sees of variables that matter to it."""

    def __init__(self, folder: Path, database_url: str, more_settings: str = "") -> None:
        self.folder, self.url = folder, database_url
        self.environment: dict[str, str | None] = {"RETRIGGER_USER": HANNA, "RETRIGGER_CONFIG": None}
        (folder / "workflows").mkdir()
        self.settings = folder / "retrigger.yaml"
        any_port = "" if "api:" in more_settings else "api: {port: 0}\n"  # tests run beside one another
        self.settings.write_text(SETTINGS.replace("DATABASE", database_url) + any_port + more_settings)
        self.define("steps", STEPS)

    def define(self, name: str, text: str) -> Path:
        """Write a workflow file."""
        file = self.folder / "workflows" / f"{name}.yaml"
        file.write_text(text.replace("FOLDER", str(self.folder)))
        return file

    def run(self, *words: str, stdin: str | None = None, **environment: str | None) -> Result:
        """One run of the command. What escapes it fails the test: people must never see a traceback."""
        words = ("--config", str(self.settings), *words)
        result = CliRunner().invoke(command, words, stdin, env={**self.environment, **environment})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "Traceback" not in result.output
        return result

    def out(self, *words: str) -> str:
        """The output of a run that must succeed."""
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.out(*words, "--json"))

    def refused(self, *words: str, code: int = 3, **environment: str | None) -> str:
        """What a run says on standard error that ends with ``code``, and with nothing on standard output."""
        result = self.run(*words, **environment)
        assert (result.exit_code, result.stdout) == (code, ""), result.output
        return result.stderr

    def submit(self, name: str = "Ada", workflow: str = "steps") -> str:
        return self.out("submit", workflow, "--input", json.dumps({"name": name})).strip()

    def wait(self, request: str, status: str) -> dict[str, Any]:
        """The document of the request, once it has the status."""
        wait_until(lambda: self.json("show", request)["status"] == status, f"{request} to be {status}")
        document: dict[str, Any] = self.json("show", request)
        return document

    def wait_for_step(self, request: str, node: str, status: str) -> None:
        """Until the step has the status."""

        def found() -> bool:
            return any(s["node"] == node and s["status"] == status for s in self.json("show", request)["steps"])

        wait_until(found, f"{node} of {request} to be {status}")

    def break_second(self, why: str = "the printer is on fire") -> None:
        """Let the step ``second`` fail from now on."""
        (self.folder / "broken").write_text(why)

    def mend_second(self) -> None:
        (self.folder / "broken").unlink()

    def blocked(self) -> str:
        """A request that is Blocked at ``second``."""
        self.break_second()
        request = self.submit()
        self.wait(request, "blocked")
        return request

    @contextmanager
    def engine(self) -> Iterator[list[str]]:
        """An engine in this process; gives what it said."""
        said: list[str] = []
        running = Running(read_settings(self.settings, {}), said.append)
        running.start(engine=True, bot=False)
        try:
            yield said
        finally:
            assert running.stop()


class Process:
    """The command as a process of its own, run ``by`` Python. ``said`` is what it printed so far, on both streams."""

    def __init__(
        self, folder: Path, *words: str, by: Sequence[str] = (sys.executable, "-m", "retrigger"), **environment: str
    ) -> None:
        self._file = folder / f"said-{len(list(folder.glob('said-*')))}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RETRIGGER_", "SLACK_"))}
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        with self._file.open("wb") as out:
            self._process = subprocess.Popen(
                [*by, *words],
                cwd=folder,
                env={**inherited, "PYTHONPATH": path, "RETRIGGER_LOG": "text", **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def said(self) -> str:
        return self._file.read_text()

    def wait_for(self, text: str, seconds: float = PATIENCE) -> str:
        """Everything said, once ``text`` is in it."""
        wait_until(lambda: text in self.said or self._process.poll() is not None, f"{text!r}", seconds)
        assert text in self.said, self.said
        return self.said

    def send(self, number: signal.Signals) -> bool:
        """Send a signal. False when it has ended already."""
        self._process.send_signal(number)
        return self._process.poll() is None

    def end(self, number: signal.Signals = signal.SIGINT, seconds: float = PATIENCE) -> int:
        """Send a signal, and wait. Returns the exit code."""
        self._process.send_signal(number)
        return self._process.wait(seconds)

    def code(self, seconds: float = PATIENCE) -> int:
        """The exit code, once it ends by itself."""
        return self._process.wait(seconds)

    def close(self) -> None:
        """However it stands: end it."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(PATIENCE)
