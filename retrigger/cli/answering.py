"""`retrigger approve|reject`: for those whom a waiting approval names (SPEC 2, 8)."""

from __future__ import annotations

import click

from retrigger.cli.acting import command_id, end, no_wait_option, node_argument, request_argument
from retrigger.cli.outcome import wait_for_request
from retrigger.cli.session import Session, pass_session

_reason = click.option("--reason", metavar="TEXT", help="Why; it is kept with the answer.")


@click.command()
@request_argument
@node_argument
@_reason
@no_wait_option
@pass_session
def approve(session: Session, request_id: int, node: str, reason: str | None, no_wait: bool) -> None:
    """Approve what waits for approval, if it names you."""
    _answer(session, request_id, node, True, reason, no_wait)


@click.command()
@request_argument
@node_argument
@_reason
@no_wait_option
@pass_session
def reject(session: Session, request_id: int, node: str, reason: str | None, no_wait: bool) -> None:
    """Reject what waits for approval, if it names you."""
    _answer(session, request_id, node, False, reason, no_wait)


def _answer(session: Session, request_id: int, node: str, yes: bool, reason: str | None, no_wait: bool) -> None:
    actor, engine = session.actor, session.app.engine
    accepted = engine.answer(actor, request_id, node, yes, reason=reason, command_id=command_id())
    end(session, request_id, no_wait, lambda: wait_for_request(session, accepted))


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    for each in (approve, reject):
        group.add_command(each)
