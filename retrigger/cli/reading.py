"""The commands that only read: list and show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

import click
from rich.table import Table
from rich.text import Text

from engine.commands.documents import RequestDocument, RequestSummary
from engine.errors import CannotBeRead, NotFound
from engine.spelling import nearest_first
from engine.states import RequestStatus
from retrigger.cli.group import FAILED, sentence
from retrigger.cli.path import show_path
from retrigger.cli.session import Session, pass_session
from retrigger.cli.values import APP, REQUEST, Number, Word
from retrigger.cli.words import REQUEST_STYLES, age, plain

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@click.command("list")
@click.option("--status", type=Word([status.value for status in RequestStatus]), help="Only those.")
@click.option("--app", type=APP, metavar="APP", help="Only those of one application.")
@click.option("--limit", type=Number(1, 10_000), default=50, show_default=True, help="At most so many.")
@click.option("--after", type=REQUEST, help="Only those older than this one: the next page.")
@as_json
@pass_session
def list_(session: Session, status: str | None, app: str | None, limit: int, after: int | None, as_json: bool) -> None:
    """Requests, newest first."""
    wanted = RequestStatus(status) if status else None
    app = known_app(session, app) if app else None
    documents = session.app.engine.documents(session.reader, status=wanted, app=app, limit=limit + 1, after=after)
    page, more, unreadable = documents[:limit], len(documents) > limit, list[str]()
    if as_json:
        whole, unreadable = _whole(session, page)
        write_json([document.model_dump(mode="json", exclude={"steps"}) for document in whole])
    elif page:
        session.out.print(requests_table(page, datetime.now(UTC)))
    else:
        click.echo("No request is here." if after is None else "There are no more.", err=True)
    if more:
        click.echo(f"There are more: add --after {page[-1].id}, or raise --limit.", err=True)
    for told in unreadable:
        click.echo(told, err=True)
    if unreadable:
        raise click.exceptions.Exit(FAILED)


def _whole(session: Session, page: Sequence[RequestSummary]) -> tuple[list[RequestDocument], list[str]]:
    """The requests of the page that can be read, and a sentence for each of those that cannot."""
    found, unreadable = [], []
    for summary in page:
        try:
            found.append(session.app.engine.document(session.reader, summary.number))
        except (CannotBeRead, NotFound) as error:
            unreadable.append(f"{summary.id} is left out. {sentence(error)}")
    return found, unreadable


@click.command()
@click.argument("request_id", type=REQUEST, metavar="REQ")
@click.option("--picture", "file", type=click.File("wb", lazy=True), metavar="FILE", help="Draw it as PNG instead.")
@as_json
@pass_session
def show(session: Session, request_id: int, file: BinaryIO | None, as_json: bool) -> None:
    """A request's Progress Path, and what may be done now."""
    if file is not None and as_json:
        raise click.UsageError("--json and --picture are two things; take one.")
    engine = session.app.engine
    document = engine.document(session.reader, request_id)
    if file is not None:
        from bot.picture import picture

        file.write(picture(document, engine.graph(document), datetime.now(UTC)))
        if file.name != "-":
            click.echo(f"{document.id} is drawn in {file.name}.", err=True)
    elif as_json:
        write_json(document.model_dump(mode="json"))
    else:
        show_path(session.out, document, datetime.now(UTC), session.shell_variables())
        if document.status is RequestStatus.IN_PROGRESS and not session.app.store.workers_alive():
            click.echo("No engine is running, so nothing of it moves. Start one: retrigger up.", err=True)


def known_app(session: Session, typed: str) -> str:
    """The application that was meant, however it is written. Raises NotFound: an empty list would say that all is
    well there."""
    store = session.app.store
    known = sorted({*store.apps(), *(workflow.app for workflow in store.workflows())})
    if typed in known:
        return typed
    alike = next((app for app in known if app.lower() == typed.lower()), None)
    if alike is None:
        raise NotFound("application", typed, f"Known: {nearest_first(typed, known) or 'none yet'}.")
    return alike


def write_json(value: Any) -> None:
    """JSON for programs that a person can read, too."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "replace").decode())


def requests_table(page: Sequence[RequestSummary], now: datetime) -> Table:
    """In a narrow window the titles give way, and then the steps: without its id a request cannot be acted on."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", collapse_padding=True)
    table.add_column("Request", no_wrap=True)
    table.add_column("Status", no_wrap=True)
    table.add_column("App", no_wrap=True, overflow="ellipsis", max_width=14)
    table.add_column(_line("Title"))
    table.add_column(_line("Blocked at"))
    table.add_column("Submitted", no_wrap=True)
    for document in page:
        table.add_row(
            document.id,
            Text(document.status.label, REQUEST_STYLES[document.status]),
            Text(plain(document.app)),
            _line(plain(document.title)),
            _line(", ".join(document.blocked)),
            age(document.created_at, now),
        )
    return table


def _line(text: str) -> Text:
    """What is cut, and not broken into lines, where it finds no room."""
    return Text(text, no_wrap=True, overflow="ellipsis")


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(list_)
    group.add_command(show)
