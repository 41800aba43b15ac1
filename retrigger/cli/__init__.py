"""The command `retrigger` (SPEC 8)."""

from __future__ import annotations

from pathlib import Path

import click

from retrigger.cli.group import LazyCommand, RetriggerGroup
from retrigger.cli.session import Session

__all__ = ["command", "main"]

COMMANDS = {
    "demo": LazyCommand("running", "Everything on this machine, with a local Slack in the browser."),
    "up": LazyCommand("running", "Run engine, bot and API in this process."),
    "worker": LazyCommand("running", "Run the engine only."),
    "bot": LazyCommand("running", "Run the Slack bot only."),
    "api": LazyCommand("running", "Run the HTTP API only."),
    "db": LazyCommand("running", "Look after the database."),
    "submit": LazyCommand("submitting", "Start a request, and print its id."),
    "list": LazyCommand("reading", "Requests, newest first."),
    "show": LazyCommand("reading", "A request's Progress Path, and what may be done now."),
    "step": LazyCommand("acting", "Re-trigger one step, and nothing behind it."),
    "flow": LazyCommand("acting", "Re-trigger a step, and the flow behind it."),
    "input": LazyCommand("acting", "Provide a blocked step's result by hand; the flow goes on."),
    "continue": LazyCommand("acting", "Go on behind a step that is held, or mend a flow that was lost."),
    "approve": LazyCommand("answering", "Approve what waits for approval, if it names you."),
    "reject": LazyCommand("answering", "Reject what waits for approval, if it names you."),
    "withdraw": LazyCommand("acting", "End a request."),
    "workflow": LazyCommand("workflows", "Check, publish and list workflows."),
    "grant": LazyCommand("grants", "Give WHO (a mail, a Slack user's id, @group, or key:NAME) a permission."),
    "revoke": LazyCommand("grants", "Take a permission back from WHO."),
    "grants": LazyCommand("grants", "Who may do what, and where each grant comes from."),
    "key": LazyCommand("keys", "Make, list and revoke keys for the HTTP API."),
    "prune": LazyCommand("pruning", "Remove the contents of requests that ended long ago; their history stays."),
    "doctor": LazyCommand("checking", "Check everything the settings name, and say what mends what is wrong."),
}


@click.group(
    cls=RetriggerGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="RETRIGGER_CONFIG",
    metavar="FILE",
    help="The settings file. Default: retrigger.yaml here.",
)
@click.option("--as", "person", envvar="RETRIGGER_USER", metavar="MAIL", help="Who is acting. Default: RETRIGGER_USER.")
@click.option(
    "--debug", is_flag=True, envvar="RETRIGGER_DEBUG", help="More in the log, and where an unexpected error comes from."
)
@click.version_option(package_name="retrigger", prog_name="retrigger")
@click.pass_context
def command(context: click.Context, config: Path | None, person: str | None, debug: bool) -> None:
    """Workflows whose blocked steps are re-run, or mended by hand, by people with permission.

    Exit codes: 0 done, 1 failed or still blocked, 2 wrong usage, 3 refused by a rule, 4 not found.
    """
    context.obj = Session(context, config, person, debug)


def main() -> None:
    """What the script `retrigger` runs."""
    command()
