"""Everything that the demo runs, put up in order and taken down in the opposite one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib import resources
from pathlib import Path

from engine.commands.documents import RequestDocument
from engine.logs import logger
from engine.rules.permissions import Actor
from engine.states import MOVING
from retrigger.demo import people
from retrigger.demo.folder import MADE_BY, SETTINGS
from retrigger.demo.local_slack import LocalSlack, LocalSlackUnavailable, provide
from retrigger.demo.outside import serve
from retrigger.demo.outside_catalog import CATALOG
from retrigger.demo.outside_systems import OutsideSystems
from retrigger.demo.scenes import SCENES, WORKFLOW
from retrigger.logs import set_up_logging
from retrigger.settings_file import read_settings
from retrigger.up import Running
from retrigger.wiring import App

OUTSIDE_PORT, SLACK_PORT = 8900, 8901  # when they are free
APP = "HR"
SETTLE_SECONDS = 20.0
ANOTHER_INPUT = '{"name": "Eve Lund", "email": "eve.lund@example.com", "office": "Lisbon", "remote": false}'
# Slack's client takes every address through the proxy that these name, this machine's own, too.
PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")

Progress = Callable[[str], None]
log = logger(__name__)


class Stage:
    """The demo in ``folder``. ``no_slack`` says why there is no local Slack, if there is none."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        self.folder, self._progress = folder, progress
        self.slack: LocalSlack | None = None
        self.no_slack: str | None = None
        self._stack = ExitStack()
        self._clean = True

    def start(self) -> Stage:
        """Put everything up. Raises StorageError, SettingsError; then nothing of it runs."""
        try:
            self._put_up()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> bool:
        """Take everything down. False when a step would not end, so that its thread keeps the process alive."""
        self._stack.close()
        return self._clean

    @property
    def settings_file(self) -> Path:
        """What the command needs to join in from another terminal."""
        return self.folder / SETTINGS

    @property
    def another_input(self) -> Path:
        """A request's input, for a person to submit."""
        return self.folder / "eve.json"

    def submit_scenes(self) -> list[int]:
        """Submit what the demo starts with, each with the trouble that it meets. Returns the requests' ids."""
        vera = Actor(people.VERA.email, people.VERA.real_name, "cli", mail=people.VERA.email, owner=True)
        for scene in SCENES:
            if scene.trouble is not None:
                self.systems.add_rule(scene.trouble)
        return [self.app.engine.submit(vera, WORKFLOW, scene.input)[0] for scene in SCENES]

    def settled(self, requests: Sequence[int]) -> bool:
        """Whether nothing in these requests moves any more, and Slack has been told."""
        moving = any(step.status in MOVING for number in requests for step in self.app.store.status(number)[1])
        return not moving and (self.slack is None or self.app.outbox.waiting()[0] == 0)

    def wait_until_settled(self, requests: Sequence[int]) -> None:
        """Wait for that; not longer than is good for a person's patience."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while not self.settled(requests) and time.monotonic() < deadline:
            time.sleep(0.05)

    def documents(self, requests: Sequence[int]) -> list[RequestDocument]:
        """The requests as they are now."""
        return [self.app.engine.card(number) for number in requests]

    def _put_up(self) -> None:
        self._progress("Starting the outside systems")
        self.systems = OutsideSystems(time.time)
        self.outside = serve(self.systems, port=OUTSIDE_PORT)
        self._stack.callback(self.outside.stop)
        self._start_slack()
        self._progress("Starting the engine")
        self._write_files()
        self._start_engine()

    def _start_slack(self) -> None:
        try:
            program = provide(self._progress)
            self._progress("Starting the local Slack")
            self.slack = LocalSlack(program, people.workspace(), SLACK_PORT)
            self._stack.callback(self.slack.stop)
        except LocalSlackUnavailable as error:
            self.no_slack = str(error)

    def _start_engine(self) -> None:
        for name in PROXIES:
            os.environ.pop(name, None)
        settings = read_settings(self.settings_file, self._slack_environment())
        set_up_logging(frozenset(), file=self.folder / "retrigger.log")
        running = Running(settings, lambda text: log.info("process.says", says=text))
        self.app: App = running.start(engine=True, bot=self.slack is not None)
        self._stack.callback(self._stop_running, running)
        self._stack.callback(self.systems.close)  # first of all: calls that are held back end now

    def _stop_running(self, running: Running) -> None:
        self._clean = running.stop()

    def _slack_environment(self) -> dict[str, str]:
        """In place of the environment: a real Slack's tokens in it are not for the demo."""
        if self.slack is None:
            return {}
        return {
            "SLACK_BOT_TOKEN": people.BOT_TOKEN,
            "SLACK_APP_TOKEN": people.APP_TOKEN,
            "SLACK_API_URL": self.slack.api_url,
        }

    def _write_files(self) -> None:
        """The settings, and the workflow as a file that a person may change and publish."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings_file.write_text(_settings(self.outside.url), encoding="utf-8")
        self.another_input.write_text(f"{ANOTHER_INPUT}\n", encoding="utf-8")
        workflow = self.folder / "workflows" / f"{WORKFLOW}.yaml"
        if not workflow.exists():
            workflow.parent.mkdir(exist_ok=True)
            source = resources.files("retrigger.demo").joinpath("workflows", workflow.name)
            workflow.write_text(source.read_text("utf-8"), encoding="utf-8")


def _settings(outside: str) -> str:
    connections = "\n".join(f'  {name}: {{base_url: "{outside}/{name}"}}' for name in CATALOG)
    grants = "\n".join(
        f"  - {{who: {person.email}, permission: {permission}, app: {APP}}}"
        for person, permission in people.PERMISSIONS.items()
    )
    return f"""\
{MADE_BY}
database_url: sqlite:///retrigger.db
workflows: [workflows/]
functions: [retrigger.demo.functions]
connections:
{connections}
apps:
  {APP}: {{channel: {people.CHANNEL_ID}}}
grants:
{grants}
stop_grace: 2s
"""
