"""What one run of the command works with: the settings, the open app, the person, and the two streams."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.rules.permissions import Actor

if TYPE_CHECKING:
    from rich.console import Console

    from retrigger.settings import Settings
    from retrigger.wiring import App

DOOR = "cli"
_UNLIMITED = 100_000  # columns: what goes into a file or a pipe is neither wrapped nor cut


class Session:
    """One run. ``config``, ``person`` and ``debug`` are as given before the command's name."""

    def __init__(self, context: click.Context, config: Path | None, person: str | None, debug: bool) -> None:
        self._context = context
        self.config, self.person, self.debug = config, person, debug

    @cached_property
    def settings(self) -> Settings:
        """With them, what may go wrong beside the command's own work has a log. Raises SettingsError."""
        from retrigger.logs import log_warnings
        from retrigger.settings_file import read_settings
        from retrigger.wiring import connections_of, secrets_of

        settings = read_settings(self.config, os.environ)
        log_warnings(secrets_of(settings, connections_of(settings)), debug=self.debug)
        return settings

    @cached_property
    def app(self) -> App:
        """Opened at the first use, closed when the command ends. Raises SettingsError, StorageError."""
        from retrigger.wiring import open_app

        app = open_app(self.settings)
        self._context.call_on_close(app.close)
        return app

    @property
    def actor(self) -> Actor:
        """Who acts. Whoever can read the settings file is Admin (SPEC 8), but must say who they are."""
        if not self.person:
            raise click.UsageError("Say who is acting: --as MAIL before the command's name, or set RETRIGGER_USER.")
        mail = self.person.strip()
        if "@" not in mail or " " in mail or not mail.isprintable():
            raise click.UsageError(f"{self.person!r} is no e-mail address; write --as hanna@example.com.")
        return Actor(mail, mail, DOOR, mail=mail, owner=True)

    @property
    def reader(self) -> Actor:
        """Who reads, which nobody needs to say."""
        return self.actor if self.person else Actor(DOOR, "the command line", DOOR, owner=True)

    @cached_property
    def out(self) -> Console:
        """Standard output: coloured and fitted to the window of a person, plain and uncut for a program."""
        return _console(stderr=False)

    @cached_property
    def err(self) -> Console:
        """Standard error."""
        return _console(stderr=True)

    def shell_variables(self) -> str | None:
        """What a person sets once, so that commands to paste work without the options that this one was given."""
        given = {"RETRIGGER_CONFIG": self.config and str(self.config), "RETRIGGER_USER": self.person}
        missing = [
            f"{name}={shlex.quote(value)}" for name, value in given.items() if value and value != os.environ.get(name)
        ]
        return f"export {' '.join(missing)}" if missing else None


def command_line(*words: str) -> str:
    """A command to paste."""
    return f"{program()} {shlex.join(words)}"


def program() -> str:
    """How this command was called, so that a person can call it again from here."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m retrigger"
    found = shutil.which(called.name)
    if called.name == "retrigger" and found and called.exists() and Path(found).samefile(called):
        return "retrigger"
    if called.is_absolute() and called.is_relative_to(Path.cwd()):
        called = called.relative_to(Path.cwd())
    return shlex.quote(str(called)) if called.exists() else "retrigger"


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream and stream.isatty() else _UNLIMITED
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=width, soft_wrap=False)


pass_session = click.make_pass_decorator(Session)
