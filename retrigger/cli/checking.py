"""`retrigger doctor`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from retrigger.cli.reading import as_json, write_json
from retrigger.cli.session import Session, pass_session
from retrigger.cli.words import plain

if TYPE_CHECKING:
    from retrigger.doctor import Check

_MARKS = {"ok": ("✓", "green"), "failed": ("✗", "red"), "skipped": ("–", "dim")}
_NAME = 22  # columns


@click.command()
@as_json
@pass_session
def doctor(session: Session, as_json: bool) -> None:
    """Check everything the settings name, and say what mends what is wrong."""
    from retrigger.doctor import State, examine

    checks = []
    for check in examine(session.config, os.environ):
        checks.append(check)
        if not as_json:
            _show(session.out, check)
    if as_json:
        write_json([check._asdict() for check in checks])
    if any(check.state is State.FAILED for check in checks):
        raise click.exceptions.Exit(1)


def _show(console: Console, check: Check) -> None:
    """As soon as it is known: a server that does not answer takes its time."""
    said = [*check.found.splitlines(), *([check.mend] if check.mend else [])]
    parts = [part for line in said for part in Text(plain(line)).wrap(console, max(30, console.width - _NAME - 3))]
    for place, part in enumerate(parts):
        head = Text.assemble(_MARKS[check.state], f" {check.name:<{_NAME}} ") if place == 0 else Text(" " * (_NAME + 3))
        console.print(Text.assemble(head, part), no_wrap=True, overflow="ignore", crop=False)


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(doctor)
