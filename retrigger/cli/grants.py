"""`retrigger grant|revoke|grants` (SPEC 6)."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from rich.table import Table
from rich.text import Text

from engine.commands.documents import iso, when
from engine.rules.permissions import Grant, Permission, grants_giving
from engine.values.somebody import is_somebody
from retrigger.cli.done import say_done
from retrigger.cli.reading import as_json, write_json
from retrigger.cli.session import Session, pass_session
from retrigger.cli.values import APP, Word
from retrigger.cli.words import clock, plain

_who = click.argument("who", metavar="WHO")
_permission = click.argument("permission", type=Word([p.value for p in Permission]), metavar="PERMISSION")
_app = click.option("--app", type=APP, metavar="APP", help="For this application only. Default: for all.")


@click.command()
@_who
@_permission
@_app
@pass_session
def grant(session: Session, who: str, permission: str, app: str | None) -> None:
    """Give WHO (a mail, a Slack user's id, @group, or key:NAME) a permission.

    PERMISSION is submit, view_reports, take_action or admin.
    """
    wanted = Grant(_checked(who), Permission(permission), app)
    new = session.app.engine.grant(session.actor, wanted)
    say_done(f"{_told(wanted)}: {'granted' if new else 'was granted already'}.")
    known = sorted({workflow.app for workflow in session.app.store.workflows()})
    if app and app not in known:
        there = f"; there are: {', '.join(known)}" if known else ""
        click.echo(f"No workflow of the application {app} is published yet{there}.", err=True)


@click.command()
@_who
@_permission
@_app
@pass_session
def revoke(session: Session, who: str, permission: str, app: str | None) -> None:
    """Take a permission back from WHO."""
    wanted = Grant(who.strip(), Permission(permission), app)
    was_there = session.app.engine.revoke(session.actor, wanted)
    say_done(f"{_told(wanted)}: {'revoked' if was_there else 'there was no such grant'}.")
    still = grants_giving(session.app.engine.grants(), frozenset({wanted.who.lower()}), wanted.permission, wanted.app)
    if still:
        click.echo(f"They still hold {wanted.permission.label}, by:")
    for each in still:
        click.echo(plain(f"  {_told(each)}, {_source(each)}"))


@click.command()
@as_json
@pass_session
def grants(session: Session, as_json: bool) -> None:
    """Who may do what, and where each grant comes from."""
    known = session.app.engine.grants()
    if as_json:
        write_json([{**each._asdict(), "at": None if each.at is None else iso(each.at)} for each in known])
        return
    table = Table("Who", "Permission", "App", "From", box=None, pad_edge=False, header_style="dim")
    for each in known:
        app = Text(plain(each.app)) if each.app else Text("all", "dim")
        table.add_row(Text(plain(each.who)), each.permission.label, app, Text(plain(_source(each))))
    if known:
        session.out.print(table)
    else:
        click.echo("Nothing is granted to anybody: retrigger grant WHO PERMISSION.", err=True)


def _checked(who: str) -> str:
    if not (who.strip().isprintable() and is_somebody(who.strip())):
        raise click.UsageError(
            f"{who[:80]!r} is nobody; write a mail, a Slack user's id such as U0123456789, @group or key:NAME."
        )
    return who.strip()


def _told(grant: Grant) -> str:
    return plain(f"{grant.who}, {grant.permission.label}, {grant.app or 'all applications'}")


def _source(grant: Grant) -> str:
    return "settings file" if grant.at is None else f"{grant.source}, {clock(when(grant.at), datetime.now(UTC))}"


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    for each in (grant, revoke, grants):
        group.add_command(each)
