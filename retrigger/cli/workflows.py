"""`retrigger workflow check|publish|list`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from engine.commands.workflow_documents import WorkflowDocument, workflow_document
from engine.definition import Workflow
from engine.functions import function_names
from retrigger.cli.done import say_done
from retrigger.cli.group import FAILED
from retrigger.cli.reading import as_json, write_json
from retrigger.cli.session import Session, pass_session
from retrigger.cli.words import age

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
    say_done(f"{found.name} version {version} is {'published' if new else 'in force already; nothing changed'}.")


@workflow.command("list")
@as_json
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """The published workflows, each with its newest version."""
    app = session.app
    found = [workflow_document(app.catalog, each) for each in app.store.workflows()]
    if as_json:
        write_json([each.model_dump(mode="json") for each in found])
    elif found:
        session.out.print(_table(found))
    else:
        click.echo("No workflow is published yet: retrigger workflow publish FILE.", err=True)
    unreadable = [each.unreadable for each in found if each.unreadable]
    for told in unreadable:
        click.echo(f"{told} Where it is damaged, publish it again: then new requests can start.", err=True)
    if unreadable:
        raise click.exceptions.Exit(FAILED)


def _table(found: Sequence[WorkflowDocument]) -> Table:
    table = Table("Workflow", "Version", "App", "Published", box=None, pad_edge=False, header_style="dim")
    for each in found:
        published = age(each.published_at, datetime.now(UTC))
        table.add_row(Text(each.workflow), str(each.version), Text(each.app), published)
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
