"""`retrigger doctor`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from bot.text import clean
from bot.words import counted
from retrigger.cli.reading import as_json, write_json
from retrigger.cli.session import Session, pass_session
from retrigger.cli.values import REQUEST
from retrigger.cli.words import plain

if TYPE_CHECKING:
    from engine.audit.difference import Difference
    from retrigger.doctor import Check

_MARKS = {"ok": ("✓", "green"), "hint": ("?", "yellow"), "failed": ("✗", "red"), "skipped": ("–", "dim")}
_NAME = 22  # columns
_STRIDE = 1000  # requests between two figures of the progress


@click.command()
@click.option("--audit", is_flag=True, help="Check every request, or those named, against its history; no settings.")
@click.argument("only", type=REQUEST, nargs=-1, metavar="[REQ]...")
@as_json
@pass_session
def doctor(session: Session, audit: bool, only: tuple[int, ...], as_json: bool) -> None:
    """Check everything the settings name, and say what mends what is wrong."""
    if audit:
        _audit(session, only, as_json)
        return
    if only:
        raise click.UsageError("Requests are named with --audit: retrigger doctor --audit REQ-42.")
    from retrigger.doctor import State, examine

    checks = []
    for check in examine(lambda: session.settings, os.environ):
        checks.append(check)
        if not as_json:
            _show(session.out, check)
    if as_json:
        write_json([check._asdict() for check in checks])
    if any(check.state is State.FAILED for check in checks):
        raise click.exceptions.Exit(1)


def _audit(session: Session, only: tuple[int, ...], as_json: bool) -> None:
    """Each difference is told as soon as it is found: a million requests take their time."""
    from engine.audit.walk import walk

    app, number = session.app, 0
    differences: list[Difference] = []
    for audited in walk(app.store, app.catalog.graph, only):
        number += audited.exists
        differences += audited.found
        if number % _STRIDE == 0 and session.err.is_terminal:
            session.err.print(f"{number:,} requests, {len(differences):,} differences", end="\r")
        for difference in () if as_json else audited.found:
            session.out.print(Text(plain(difference.sentence)))
    if as_json:
        write_json({"requests": number, "differences": [_document(difference) for difference in differences]})
    else:
        session.out.print(f"{counted(number, 'request')} audited, {counted(len(differences), 'difference')}.")
    if differences:
        raise click.exceptions.Exit(1)


def _document(difference: Difference) -> dict[str, str | None]:
    return {
        "request": f"REQ-{difference.request_id}",
        "step": difference.node,
        "stored": difference.stored,
        "history": difference.history,
        "sentence": difference.sentence,
    }


def _show(console: Console, check: Check) -> None:
    """As soon as it is known: a server that does not answer takes its time."""
    said = [*check.found.splitlines(), *([check.mend] if check.mend else [])]
    width = max(30, console.width - _NAME - 3)
    parts = [part for line in said for part in Text(clean(line).rstrip()).wrap(console, width)]
    for place, part in enumerate(parts):
        head = Text.assemble(_MARKS[check.state], f" {check.name:<{_NAME}} ") if place == 0 else Text(" " * (_NAME + 3))
        console.print(Text.assemble(head, part), no_wrap=True, overflow="ignore", crop=False)


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(doctor)
