"""`retrigger prune`."""

from __future__ import annotations

from collections import Counter

import click

from bot.words import counted
from engine.commands.pruning import Pruner
from retrigger.cli.done import say_done
from retrigger.cli.session import Session, pass_session
from retrigger.cli.values import AGE, APP


@click.command()
@click.option("--older-than", "days", type=AGE, required=True, help="Of requests that ended so many days ago.")
@click.option("--app", type=APP, metavar="APP", help="Of this application only. Default: of all.")
@click.option("--plan", is_flag=True, help="Say how much would be removed, and do nothing.")
@pass_session
def prune(session: Session, days: int, app: str | None, plan: bool) -> None:
    """Remove the contents of requests that ended long ago; their history stays.

    Contents are titles, inputs, results and responses.
    It may be broken off at any time, and begun again.
    """
    pruner = Pruner(session.app.engine, session.app.retention)
    if plan:
        click.echo(_told("would be removed", pruner.plan(session.actor, days, app)))
        return

    def progress(number: int) -> None:
        if session.err.is_terminal:
            session.err.print(f"{counted(number, 'request')} so far", end="\r")

    done = pruner.prune(session.actor, days, app, progress)
    say_done(_told("removed", done.requests))
    if app is None:
        rest = f"{counted(done.messages, 'message')} that had been told, {counted(done.workers, 'engine')} long gone"
        say_done(f"Removed, too: {rest}.")


def _told(what: str, found: Counter[str]) -> str:
    number = found.total()
    of = ", ".join(f"{app} {each:,}" for app, each in sorted(found.items()))
    return f"Contents of {number:,} request{'' if number == 1 else 's'} {what}{f' ({of})' if of else ''}."


def register(group: click.Group) -> None:
    """Add the command of this file."""
    group.add_command(prune)
