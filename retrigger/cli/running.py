"""The commands that run until they are stopped, and `db upgrade`."""

from __future__ import annotations

import click

from retrigger.cli.done import say_done
from retrigger.cli.session import Session, pass_session
from retrigger.demo.command import demo


@click.command()
@pass_session
def up(session: Session) -> None:
    """Run engine, bot and API in this process."""
    _run(session, engine=True, bot=True, api=True)


@click.command()
@pass_session
def worker(session: Session) -> None:
    """Run the engine only."""
    _run(session, engine=True)


@click.command()
@pass_session
def bot(session: Session) -> None:
    """Run the Slack bot only."""
    _run(session, bot=True)


@click.command()
@pass_session
def api(session: Session) -> None:
    """Run the HTTP API only."""
    _run(session, api=True)


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
@pass_session
def upgrade(session: Session) -> None:
    """Make the tables, or bring them up to date."""
    from retrigger.wiring import upgrade_tables
    from storage.database import open_database

    database = open_database(session.settings.database_url)
    try:
        changed = upgrade_tables(session.settings, database)
    finally:
        database.close()
    say_done("The tables are up to date now." if changed else "The tables were up to date; nothing changed.")


def _run(session: Session, **parts: bool) -> None:
    from retrigger.up import run

    run(session.settings, **parts, say=lambda text: click.echo(text, err=True), debug=session.debug)


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    for command in (demo, up, worker, bot, api, db):
        group.add_command(command)
