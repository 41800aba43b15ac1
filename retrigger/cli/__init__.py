"""The command `retrigger` (SPEC 8)."""

from __future__ import annotations

from pathlib import Path

import click

from retrigger.cli import acting, checking, grants, reading, running, submitting, workflows
from retrigger.cli.group import RetriggerGroup
from retrigger.cli.session import Session

__all__ = ["command", "main"]


@click.group(cls=RetriggerGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="RETRIGGER_CONFIG",
    metavar="FILE",
    help="The settings file. Default: retrigger.yaml here.",
)
@click.option("--as", "person", envvar="RETRIGGER_USER", metavar="MAIL", help="Who is acting. Default: RETRIGGER_USER.")
@click.option("--debug", is_flag=True, envvar="RETRIGGER_DEBUG", help="Show where an unexpected error comes from.")
@click.version_option(package_name="retrigger", prog_name="retrigger")
@click.pass_context
def command(context: click.Context, config: Path | None, person: str | None, debug: bool) -> None:
    """Workflows whose blocked steps are re-run, or mended by hand, by people with permission.

    Exit codes: 0 done, 1 failed or still blocked, 2 wrong usage, 3 refused by a rule, 4 not found.
    """
    context.obj = Session(context, config, person, debug)


for part in (running, submitting, reading, acting, workflows, grants, checking):
    part.register(command)


def main() -> None:
    """What the script `retrigger` runs."""
    command()
