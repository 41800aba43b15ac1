"""The commands that act on a request: step, flow, input, continue, withdraw (SPEC 4, 8)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from engine.errors import RetriggerError
from engine.rules.allowed import Action
from retrigger.cli import outcome
from retrigger.cli.done import say_done
from retrigger.cli.planning import show_plan
from retrigger.cli.session import Session, pass_session
from retrigger.cli.values import JSON_TEXT, NODE, REQUEST, Number

F = TypeVar("F", bound=Callable[..., Any])

_plan = click.option("--plan", is_flag=True, help="Print what would run, and do nothing.")
no_wait_option = click.option("--no-wait", is_flag=True, help="Do not wait for the outcome.")
_reason = click.option("--reason", metavar="TEXT", help="Why; it is kept with the act.")
_confirm = click.option(
    "--confirm", is_flag=True, help='Confirm "The earlier call may have taken effect", where asked; needs --reason.'
)
_version = click.option("--version", "version", type=Number(1), help="Go on with this version of the workflow.")
_new_key = click.option("--new-key", is_flag=True, help="Let the call leave under a new idempotency key.")


def _options(*options: Callable[[F], F]) -> Callable[[F], F]:
    def add(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return add


request_argument = click.argument("request_id", type=REQUEST, metavar="REQ")
node_argument = click.argument("node", type=NODE, metavar="NODE")
_common = _options(_reason, _confirm, _plan, no_wait_option)


@click.command()
@_options(request_argument, node_argument)
@click.option("--update-status", is_flag=True, help="Allow the workflow status to be updated.")
@_options(_version, _new_key, _common)
@pass_session
def step(session: Session, /, request_id: int, node: str, plan: bool, no_wait: bool, confirm: bool, **how: Any) -> None:
    """Re-trigger one step, and nothing behind it."""
    actor, engine = session.actor, session.app.engine
    if plan:
        show_plan(engine.plan(actor, request_id, Action.RETRIGGER, node, how["new_key"], how["version"]))
        return
    accepted = engine.retrigger(actor, request_id, node, confirmed=confirm, command_id=command_id(), **how)
    end(session, request_id, no_wait, lambda: outcome.wait_for_step(session, accepted, node), node)


@click.command()
@_options(request_argument, node_argument, _version, _new_key, _common)
@pass_session
def flow(session: Session, /, request_id: int, node: str, plan: bool, no_wait: bool, confirm: bool, **how: Any) -> None:
    """Re-trigger a step, and the flow behind it."""
    actor, engine = session.actor, session.app.engine
    if plan:
        show_plan(engine.plan(actor, request_id, Action.FLOW, node, how["new_key"], how["version"]))
        return
    accepted = engine.retrigger(actor, request_id, node, flow=True, confirmed=confirm, command_id=command_id(), **how)
    end(session, request_id, no_wait, lambda: outcome.wait_for_request(session, accepted), node)


@click.command("input")
@_options(request_argument, node_argument)
@click.option("--json", "text", type=JSON_TEXT, help="The result. Without it, the text to start from is printed.")
@_common
@pass_session
def provide(
    session: Session,
    request_id: int,
    node: str,
    text: str | None,
    reason: str | None,
    confirm: bool,
    plan: bool,
    no_wait: bool,
) -> None:
    """Provide a blocked step's result by hand; the flow goes on."""
    actor, engine = session.actor, session.app.engine
    if plan:
        show_plan(engine.plan(actor, request_id, Action.INPUT, node, text=text))
        return
    if text is None:
        engine.plan(actor, request_id, Action.INPUT, node)  # refuses where no input can be provided
        click.echo(engine.input_draft(actor, request_id, node))
        return
    accepted = engine.provide_input(
        actor, request_id, node, text, reason=reason, confirmed=confirm, command_id=command_id()
    )
    end(session, request_id, no_wait, lambda: outcome.wait_for_request(session, accepted))


@click.command("continue")
@_options(request_argument, _common)
@pass_session
def continue_(session: Session, request_id: int, reason: str | None, confirm: bool, plan: bool, no_wait: bool) -> None:
    """Go on behind a step that is held, or mend a flow that was lost."""
    actor, engine = session.actor, session.app.engine
    if plan:
        show_plan(engine.plan(actor, request_id, Action.CONTINUE))
        return
    accepted = engine.continue_flow(actor, request_id, reason=reason, confirmed=confirm, command_id=command_id())
    end(session, request_id, no_wait, lambda: outcome.wait_for_request(session, accepted))


@click.command()
@_options(request_argument, _reason, _plan)
@pass_session
def withdraw(session: Session, request_id: int, reason: str | None, plan: bool) -> None:
    """End a request. What runs is fenced off. Needs --reason."""
    actor, engine = session.actor, session.app.engine
    if plan:
        show_plan(engine.plan(actor, request_id, Action.WITHDRAW))
        return
    if not reason:
        raise click.UsageError("Withdrawing needs a reason: --reason TEXT.")
    engine.withdraw(actor, request_id, reason=reason, command_id=command_id())
    say_done(f"REQ-{request_id} is Withdrawn.")


def _tell_address(session: Session, request_id: int, node: str) -> None:
    """A callback that is re-triggered waits for a call to another address, which the outside system does not know."""
    url = session.app.engine.callback_url(session.actor, request_id, node)
    if url is not None:
        say_done(f"{node} waits for a call to {url}")


def command_id() -> str:
    """One run of the command is one act, however often the writer tries it."""
    return uuid.uuid4().hex


def end(
    session: Session,
    request_id: int,
    no_wait: bool,
    wait: Callable[[], outcome.Outcome],
    re_triggered: str | None = None,
) -> None:
    """Say what the act came to, or that it is stored, and end with the exit code that goes with it. Before that, where
    a callback that was ``re_triggered`` is to be called."""
    with _stored(request_id):
        if re_triggered is not None:
            _tell_address(session, request_id, re_triggered)
        if not no_wait:
            outcome.say(wait())
        elif session.app.store.workers_alive():
            say_done(f"REQ-{request_id}: accepted.")
        else:
            say_done(f"REQ-{request_id}: {outcome.NOTHING_RUNS}")


@contextmanager
def _stored(request_id: int) -> Iterator[None]:
    """Whatever keeps us from the end of what is stored, the act stands: who heard of the trouble alone would do it
    again. Raises RetriggerError: a failure, whatever it would be of an act."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"REQ-{request_id}: accepted; it goes on by itself.", err=True)
        raise
    except RetriggerError as error:
        raise RetriggerError(f"REQ-{request_id}: accepted, but what came of it cannot be read: {error}") from error


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    for each in (step, flow, provide, continue_, withdraw):
        group.add_command(each)
