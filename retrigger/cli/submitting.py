"""`retrigger submit`."""

from __future__ import annotations

import click

from engine.limits import MAX_INPUT_BYTES
from engine.values.strict_json import loads
from retrigger.cli.done import say_done
from retrigger.cli.outcome import NOTHING_RUNS
from retrigger.cli.session import Session, pass_session
from retrigger.cli.values import JSON_TEXT


@click.command()
@click.argument("workflow")
@click.option("--input", "text", type=JSON_TEXT, default="{}", help="What the request is about. Default: {}.")
@click.option("--requester", metavar="MAIL", help="Whose request it is. Default: whoever submits it.")
@click.option("--key", help="Makes it safe to repeat: the same key gives the request that it made before.")
@pass_session
def submit(session: Session, workflow: str, text: str, requester: str | None, key: str | None) -> None:
    """Start a request, and print its id."""
    actor = session.actor
    value = loads(text, limit=MAX_INPUT_BYTES)
    request_id, _ = session.app.engine.submit(actor, workflow, value, requester=requester, key=key)
    say_done(f"REQ-{request_id}")
    if not session.app.store.workers_alive():
        click.echo(f"REQ-{request_id}: {NOTHING_RUNS}", err=True)


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(submit)
