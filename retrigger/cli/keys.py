"""`retrigger key create|list|revoke`: keys for the HTTP API (SPEC 8)."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from rich.table import Table
from rich.text import Text

from engine.commands.documents import iso, when
from engine.stored import StoredKey
from retrigger.cli.done import say_done
from retrigger.cli.reading import as_json, write_json
from retrigger.cli.session import Session, pass_session
from retrigger.cli.words import age, plain

_name = click.argument("name", metavar="NAME")


@click.group()
def key() -> None:
    """Make, list and revoke keys for the HTTP API."""


@key.command()
@_name
@pass_session
def create(session: Session, name: str) -> None:
    """Make a key, and print it. It is shown this once, and stored as a hash."""
    made = session.app.engine.create_key(session.actor, name)
    say_done(made)
    who = f"key:{name}"
    held = [grant for grant in session.app.engine.grants() if grant.who.lower() == who]
    told = "; ".join(f"{grant.permission.label}, {grant.app or 'all applications'}" for grant in held)
    hint = f"{who} holds: {told}." if held else f"It may do nothing yet: retrigger grant {who} PERMISSION --app APP."
    click.echo(f"Keep it now: it is not shown again. {hint}", err=True)


@key.command("list")
@as_json
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """The keys, those that were revoked too."""
    keys = session.app.engine.keys(session.reader)
    if as_json:
        write_json([_document(each) for each in keys])
        return
    now = datetime.now(UTC)
    table = Table("Name", "Made", "By", "State", box=None, pad_edge=False, header_style="dim")
    for each in keys:
        state = "in use" if each.revoked_at is None else f"revoked {age(when(each.revoked_at), now)}"
        table.add_row(Text(each.name), age(when(each.created_at), now), Text(plain(each.created_by)), state)
    if keys:
        session.out.print(table)
    else:
        click.echo("There is no key yet: retrigger key create NAME.", err=True)


@key.command()
@_name
@pass_session
def revoke(session: Session, name: str) -> None:
    """Take a key out of use, at once."""
    session.app.engine.revoke_key(session.actor, name)
    say_done(f"key:{name} is revoked. What was granted to it counts again for a new key of that name.")


def _document(key: StoredKey) -> dict[str, object]:
    times = {name: value and iso(value) for name, value in key._asdict().items() if name.endswith("_at")}
    return {"name": key.name, "created_by": key.created_by, **times}


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(key)
