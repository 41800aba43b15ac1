"""`retrigger workflow check|publish|list`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from engine.definition import Workflow
from engine.errors import CannotBeRead
from engine.functions import function_names
from engine.stored import NewestVersion
from retrigger.cli.group import FAILED
from retrigger.cli.reading import as_json, write_json
from retrigger.cli.session import Session, pass_session
from retrigger.cli.words import age, iso

if TYPE_CHECKING:
    from retrigger.publishing import Definition

_FILE = click.Path(path_type=Path)


@click.group()
def workflow() -> None:
    """Check, publish and list workflows."""


@workflow.command()
@click.argument("file", type=_FILE)
@as_json
@pass_session
def check(session: Session, file: Path, as_json: bool) -> None:
    """Say whether a definition could be published, and if not, why not."""
    definition = _definition(session, file)
    if as_json:
        found = definition.workflow
        write_json({"file": str(file), "workflow": found and found.name, "problems": definition.problems})
        if found is None:
            raise click.exceptions.Exit(1)
        return
    workflow = _passed(definition)
    click.echo(f"{file}: workflow {workflow.name} passes ({len(workflow.step_ids)} nodes).")


@workflow.command()
@click.argument("file", type=_FILE)
@pass_session
def publish(session: Session, file: Path) -> None:
    """Publish a definition as the newest version of its workflow."""
    actor = session.actor
    found = _passed(_definition(session, file))
    version, new = session.app.engine.publish(actor, found)
    click.echo(f"{found.name} version {version} is {'published' if new else 'in force already; nothing changed'}.")


@workflow.command("list")
@as_json
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """The published workflows, each with its newest version."""
    found, unreadable = _readable(session)
    if as_json:
        write_json(
            [
                {
                    "workflow": each.name,
                    "version": each.version,
                    "app": each.app,
                    "published_at": iso(each.published_at),
                }
                for each in found
            ]
        )
    elif found:
        session.out.print(_table(found))
    elif not unreadable:
        click.echo("No workflow is published yet: retrigger workflow publish FILE.", err=True)
    for told in unreadable:
        click.echo(told, err=True)
    if unreadable:
        raise click.exceptions.Exit(FAILED)


def _readable(session: Session) -> tuple[list[NewestVersion], list[str]]:
    """Those whose definition can be read, and a sentence for each of the others."""
    found, unreadable = [], []
    for each in session.app.store.workflows():
        try:
            session.app.catalog.get(each.name, each.version)
        except CannotBeRead as error:
            unreadable.append(f"{error} Where it is damaged, publish it again: then new requests can start.")
        else:
            found.append(each)
    return found, unreadable


def _table(found: Sequence[NewestVersion]) -> Table:
    table = Table("Workflow", "Version", "App", "Published", box=None, pad_edge=False, header_style="dim")
    for each in found:
        published = age(datetime.fromtimestamp(each.published_at, UTC), datetime.now(UTC))
        table.add_row(Text(each.name), str(each.version), Text(each.app), published)
    return table


def _definition(session: Session, file: Path) -> Definition:
    """Without settings nothing is known of functions and connections."""
    from retrigger.publishing import read_definition
    from retrigger.settings_file import DEFAULT_FILE
    from retrigger.wiring import load_own_functions

    functions = connections = public_url = None
    if session.config is not None or DEFAULT_FILE.is_file():
        load_own_functions(session.settings)
        functions, connections = function_names(), session.settings.connections
        public_url = bool(session.settings.api.public_url)
    return read_definition(file, functions, connections, public_url)


def _passed(definition: Definition) -> Workflow:
    """The workflow, or the end of the command, once its problems are told."""
    for problem in definition.problems:
        click.echo(problem, err=True)
    if definition.workflow is None:
        raise click.exceptions.Exit(1)
    return definition.workflow


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(workflow)
