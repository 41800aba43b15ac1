"""`retrigger demo` as a process of its own: what it printed, its command, its outside systems, its Slack's messages."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests
from click.testing import CliRunner

from retrigger.cli import command
from retrigger.demo import people
from retrigger.demo.scenes import TRIES, WORKFLOW
from tests.support.front import Process
from tests.support.poll import PATIENCE, wait_until

COMPLETED, RETRIED, DOWN, WRONG_DATA = "REQ-1", "REQ-2", "REQ-3", "REQ-4"
"""The requests that the demo starts with, by what becomes of them."""

_LAST_LINE = "Ctrl-C ends everything."
# One for each test that asks, and one to spare: a single worker may run them all.
_STUCK = ("Eli Stone", "Fay Moss", "Gus Hill", "Ida Berg", "Jon Lake", "Lea Holm", "Max Voss")


class Demo:
    """Up, told and settled once it is made. ``temp`` is where it keeps everything that it keeps."""

    def __init__(self, folder: Path, local_slack: Path) -> None:
        self._folder = folder
        self.temp = folder / "temp"
        self.temp.mkdir()
        self._process = Process(folder, "demo", TMPDIR=str(self.temp), RETRIGGER_LOCAL_SLACK=str(local_slack))
        try:
            self.said = self._process.wait_for(_LAST_LINE)
        except BaseException:
            self._process.close()
            raise
        self.slack_url = self._printed(r"^Slack +(http\S+)/archives/")
        self.outside_url = self._printed(r"^Outside systems +(http\S+)")
        self.settings = Path(self._printed(r"RETRIGGER_CONFIG=(\S+)"))
        self._stuck: Iterator[str] = iter(())
        self._unanswered = ""

    def stop(self) -> str:
        """Ctrl-C. Fails if a process or a file of it is left behind. Returns everything it said."""
        processes = psutil.Process(self._process.pid).children(recursive=True)
        try:
            code = self._process.end()
        finally:
            self._process.close()
        left = psutil.wait_procs(processes, timeout=PATIENCE)[1]
        assert (code, left, list(self.temp.iterdir())) == (0, [], []), self._process.said
        return self._process.said

    def run(self, *words: str) -> str:
        """What the command says, given by Hanna in another terminal."""
        words = ("--config", str(self.settings), "--as", people.HANNA.email, *words)
        result = CliRunner().invoke(command, words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout.strip()

    def publish(self, *workflows: str) -> None:
        """More workflows, beside the demo's own."""
        for number, text in enumerate(workflows):
            file = self._folder / f"more-{number}.yaml"
            file.write_text(text, encoding="utf-8")
            self.run("workflow", "publish", str(file))

    def ask(self, workflow: str, name: str, **more: object) -> str:
        """A request of one of those, for somebody. Returns its id."""
        return self.run("submit", workflow, "--input", json.dumps({"name": name, **more}))

    def fails(self, workflow: str, name: str, system: str, times: int = 1) -> str:
        """A request whose one call fails because its ``system`` is down for calls that hold ``name``, so often."""
        self.rule(system=system, contains=name, mode="down", times=times)
        request = self.ask(workflow, name)
        self.wait(request, "blocked")
        return request

    def submit(self, name: str) -> str:
        """Another person to onboard. Returns the request's id."""
        input = {"name": name, "email": _mail(name), "office": "Berlin", "remote": False}
        return self.run("submit", WORKFLOW, "--input", json.dumps(input))

    def submit_in_trouble(self) -> None:
        """The requests of ``stuck`` and ``unanswered``: a step takes seconds to give up, so they do it side by side."""
        self._stuck = iter([self._in_trouble(name, "down") for name in _STUCK])
        self._unanswered = self._in_trouble("Kim Lund", "no_answer")  # last: a new rule lets its system's calls go on

    def stuck(self) -> str:
        """A request that nobody has touched, Blocked at ``desk`` by a 503; it would succeed now."""
        request = next(self._stuck)
        self.wait(request, "blocked")
        return request

    def unanswered(self) -> str:
        """A request that is Blocked at ``desk``, whose calls did their work and were not answered in time."""
        self.wait(self._unanswered, "blocked")
        return self._unanswered

    def rule(self, **rule: object) -> None:
        """Let an outside system misbehave for some calls."""
        requests.post(f"{self.outside_url}/rules", json=rule, timeout=PATIENCE).raise_for_status()

    def document(self, request: str) -> dict[str, Any]:
        """What `retrigger show --json` gives."""
        document: dict[str, Any] = json.loads(self.run("show", request, "--json"))
        return document

    def wait(self, request: str, status: str) -> None:
        """Until the request has the status."""
        wait_until(lambda: self.document(request)["status"] == status, f"{request} to be {status}", every=0.1)

    def calls(self, request: str) -> list[dict[str, Any]]:
        """The outside systems' ledger of the request's calls, oldest first."""
        ledger = requests.get(f"{self.outside_url}/ledger.json", timeout=PATIENCE).json()
        return [call for call in reversed(ledger["entries"]) if call["trace"] == request]

    def messages(self) -> list[dict[str, Any]]:
        """Everything in the channel and its threads, oldest first; private messages have ``ephemeral_to``."""
        answer = requests.get(f"{self.slack_url}/_control/messages/{people.CHANNEL_ID}", timeout=PATIENCE).json()
        found: list[dict[str, Any]] = answer["messages"]
        return found

    def told(self, person: people.Person) -> list[str]:
        """What a person was told privately in the channel, oldest first."""
        found = [message for message in self.messages() if message.get("ephemeral_to") == person.id]
        return [_words(message) for message in found if not message.get("thread_ts")]

    def thread(self, request: str) -> list[str]:
        """The lines of the request's thread that everybody sees, oldest first."""
        messages = [message for message in self.messages() if message.get("subtype") != "ephemeral"]
        (card,) = [message for message in messages if _words(message).startswith(f"{request} · ")]
        return [_words(message) for message in messages if message.get("thread_ts") == card["ts"]]

    def submits_seen(self) -> int:
        """How often Slack has told the bot that somebody pressed a modal's button."""
        log = requests.get(f"{self.slack_url}/_control/log", timeout=PATIENCE).json()["log"]
        return sum((entry.get("detail") or {}).get("type") == "view_submission" for entry in log)

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """Nothing is written to the database meanwhile, as when another process writes to it for a moment."""
        database = sqlite3.connect(self.settings.with_name("retrigger.db"), isolation_level=None)
        try:
            database.execute("BEGIN IMMEDIATE")
            yield
        finally:
            database.close()

    def _in_trouble(self, name: str, mode: str) -> str:
        self.rule(system="facilities", contains=_mail(name), mode=mode, times=TRIES)
        return self.submit(name)

    def _printed(self, pattern: str) -> str:
        found = re.search(pattern, self.said, re.MULTILINE)
        assert found, self.said
        return found.group(1)


def _mail(name: str) -> str:
    return f"{name.lower().replace(' ', '.')}@example.com"


def _words(message: dict[str, Any]) -> str:
    """A message as it is read: the texts of its blocks, without the marks for bold and code."""
    texts = [block["text"]["text"] for block in message.get("blocks") or [] if "text" in block]
    return re.sub("[*`]", "", "\n".join(texts) or message["text"])
